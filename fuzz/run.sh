#!/usr/bin/env bash
# Runs every fuzz target for so many seconds, from seeds made of testdata and schemas and from what earlier runs learned.
#   fuzz/run.sh [seconds] [target...]      seconds 0: only make the seeds
#   fuzz/run.sh keep [target...]           make fuzz/kept anew, the fewest inputs that reach what fuzz/corpus reaches
# What a target finds stays in fuzz/artifacts, what it learns in fuzz/corpus; git has fuzz/kept.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
shift || true
targets=("$@")
[ ${#targets[@]} -gt 0 ] || targets=(scanner_tape index path feed plan_oracle fixed manifest jobs filter)

# A target's seeds: a first byte or more that says how to read the rest (octal), and the rest from standard input.
seed() { # target name prefix
    mkdir -p "fuzz/corpus/$1"
    { printf '%b' "$3"; cat; } >"fuzz/corpus/$1/seed-$2"
}

seeds() {
    local at=0 version line
    for version in v1 v2 v3; do
        local export=testdata/$version/export/ExplanationOfBenefit.ndjson number=0
        # Raw lines, the shortest ones; and edits, which are just numbers: any bytes will do.
        while IFS= read -r line; do
            number=$((number + 1))
            printf '%s' "$line" | seed scanner_tape "$version-$number" "\\0$((2 * at + 1))"
            head -c 200 "testdata/$version/tables/CCLF$number.csv" | seed scanner_tape "$version-edit-$number" "\\0$((2 * at))"
            head -c $((number * 130)) <<<"$line" | seed index "$version-$number" "\\0$number"
            printf '%s' "$line" | seed plan_oracle "$version-$number" "\\0$at\\0000"
            tail -c $((number * 150)) "$export" | seed plan_oracle "$version-change-$number" "\\0$at\\000$((number + 1))"
        done < <(awk '{ print length($0) "\t" $0 }' "$export" | sort -n | cut -f2- | sed -n '1p;4p;7p;10p')
        cut -d, -f4 "schemas/crosswalk/$version.csv" | tail -n +2 | sort -u | awk 'NR % 5 == 1' | while IFS= read -r line; do
            number=$((number + 1))
            printf '%s' "$line" | tr -d '"' | seed path "$version-$number" ''
        done
        at=$((at + 1))
    done
    local table=testdata/v2/tables/CCLF6.csv how
    for how in 000 002 003 102 203; do
        head -c 1500 "$table" | seed feed "packed-$how" "\\0$how\\0020\\0001"
    done
    head -c 3000 "$table" | gzip -c | seed feed gzip '\0000\0100\0002'
    head -c 3000 "$table" | gzip -c | { head -c 500; cat >/dev/null; } | seed feed cut '\0000\0005\0001'
    for version in v1 v2 v3; do
        for number in 1 5 7 8 9; do
            sed -n 2p "testdata/$version/tables/CCLF$number.csv" | tr ',\n' '\0' | seed fixed "$version-$number" "\0$((number - 1))\0001"
        done
    done
    printf 'Zo\303\253, O\342\200\231Neil\0 99999999999999.99\000-1.5\0002024-02-29' | seed fixed names '\0007\0000'
    printf '%s' '{"transactionTime":"2019-12-09T20:44:01.705398Z","requiresAccessToken":true,"output":[{"type":"Patient","url":"https://x/data/42/a.ndjson","count":3,"extension":[{"url":"https://x/checksum","valueString":"sha256:ab"},{"url":"https://x/file_length","valueDecimal":9}]}],"error":[{"url":"o"}],"deleted":[{"type":"Bundle","url":"d"}],"link":[{"relation":"next","url":"p2"}],"JobID":42}' | seed manifest bcda ''
    printf '%s' '{"issue":[{"code":"not-found","diagnostics":"none"}]}{"resourceType":"Bundle"}' | seed manifest outcome ''
    printf '%s' '2026-11-21 01:09:00.123456 +0000 UTC' | seed manifest deadline ''
    printf '%s' 'Sat, 21 Nov 2026 00:02:00 GMT' | seed manifest after ''
    local task='{"resource":{"resourceType":"Task","identifier":[{"value":"42"}],"status":"completed","input":[{"type":{"text":"BULK FHIR Export"},"valueString":"GET https://x/api/v2/Group/all/$export?_type=Patient"}],"executionPeriod":{"start":"2026-11-20T01:02:03Z","end":"2026-11-20T01:09:00+02:00"}}}'
    printf '%s' "/api/v2/Group/all/\$export?_type=Patient
{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":2,\"entry\":[$task,${task/completed/in-progress}]}" | seed jobs bcda ''
    printf '%s' '/api/v3/Patient/%24export
{"issue":[{"code":"not-found"}]}{"resourceType":"Bundle","total":0}' | seed jobs none ''
    printf '%s\n' 'ExplanationOfBenefit?service-date=ge2024-01-01&service-date=lt2025&outcome=complete,partial' '2026-01-31T00:00:00.5+02:00' Patient Coverage | seed filter dates ''
    printf '%s' 'ExplanationOfBenefit?_tag=https://bluebutton.cms.gov/fhir/CodeSystem/System-Type|DDPS' | seed filter tag ''
    printf '%s\n' 'X?a=1+1%25' '' Claim | seed filter escapes ''
    printf 'a\r\n\n\nb' | seed feed blank '\0000\0001\0000'
}

# What a corpus learned, in few files: one archive for each target, kept in git.
unpack() {
    local target
    for target in "${targets[@]}"; do
        mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
        if [ -f "fuzz/kept/$target.tar.gz" ]; then tar -xzf "fuzz/kept/$target.tar.gz" -C "fuzz/corpus/$target"; fi
    done
}

# Targets as programs: with AddressSanitizer where there are nightly and cargo-fuzz, else by any Rust and without it.
build() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    programs=${CARGO_TARGET_DIR:-fuzz/target}/$host/release
    if cargo +nightly --version >/dev/null 2>&1 && cargo fuzz --version >/dev/null 2>&1; then
        cargo +nightly fuzz build --fuzz-dir fuzz
    else
        echo "*** fuzzing WITHOUT AddressSanitizer: expected the nightly toolchain and cargo-fuzz, found none" \
            "(rustup toolchain install nightly; cargo install cargo-fuzz) ***" >&2
        # A folder of its own: every flag is another build.
        programs=${CARGO_TARGET_DIR:-fuzz/target}/fuzz/$host/release
        RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 -Cdebug-assertions" \
            cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$host" \
            --target-dir "${CARGO_TARGET_DIR:-fuzz/target}/fuzz"
    fi
}

one() { # target
    local log=fuzz/artifacts/$1.log
    if "$programs/$1" -artifact_prefix="fuzz/artifacts/$1/" -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 \
        -print_final_stats=1 "fuzz/corpus/$1" >"$log" 2>&1; then
        echo "$1: nothing found in $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") executions, $seconds seconds"
    else
        tail -n 40 "$log" >&2
        echo "$1: FOUND something: see fuzz/artifacts/$1 and $log" >&2
        return 1
    fi
}

if [ ! -d fuzz/corpus ] || [ "$seconds" = 0 ]; then seeds; fi
unpack
[ "$seconds" != 0 ] || exit 0
build
if [ "$seconds" = keep ]; then
    for target in "${targets[@]}"; do
        few=$(mktemp -d)
        "$programs/$target" -set_cover_merge=1 -max_len=4096 "$few" "fuzz/corpus/$target" 2>/dev/null
        mkdir -p fuzz/kept
        tar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C "$few" -cf - . | gzip -9n >"fuzz/kept/$target.tar.gz"
        echo "$target: $(find "$few" -type f | wc -l) inputs, $(stat -c %s "fuzz/kept/$target.tar.gz") bytes"
        rm -rf "$few"
    done
    exit 0
fi
# As many side by side as there are cores.
export programs seconds
export -f one
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I TARGET bash -c 'one TARGET'

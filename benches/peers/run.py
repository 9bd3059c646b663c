#!/usr/bin/env python3
"""claimfeed beside other engines: 24 columns of the lines of carrier claims (API v2), as CSV, in one run.

    make bench-peers                        on a synthetic export, made for it
    make bench-peers INPUT=export ROUNDS=9  on an export that is there (plain NDJSON of v2)

Every engine first writes its rows once, and all rows are compared cell by cell (numbers as numbers); who gives others is not
timed. Then all take turns within each round. Ratios are by pairs within a round: how many times longer than claimfeed
converting *all* tables, with one thread and with all. Peers are timed inside their process, without start-up and imports;
claimfeed is timed from outside, from start to exit, and reads Patients and Coverages too.
"""
import argparse
import csv
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from decimal import Decimal, InvalidOperation
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NUMBERS = {"LINE", "UNITS", "PAID", "SUBMITTED", "ALLOWED"}


class Missing(Exception):
    """An engine that is not here, and how to install it."""


class Engine:
    def __init__(self, name, threads, command, is_ours=False, is_task=True):
        self.name, self.threads, self.command = name, threads, command
        self.is_ours, self.is_task = is_ours, is_task

    def run(self, out):
        """Seconds of one run into a fresh folder."""
        environment = dict(os.environ, POLARS_MAX_THREADS=str(self.threads))
        started = time.perf_counter()
        done = subprocess.run(self.command(out), capture_output=True, text=True, env=environment)
        elapsed = time.perf_counter() - started
        # Exit code 3 is done, with losses that summary.json counts.
        if done.returncode not in ((0, 3) if self.is_ours else (0,)):
            raise SystemExit(f"expected {self.name} to end well, found exit code {done.returncode}:\n{done.stderr[-2000:]}")
        return elapsed if self.is_ours else float(done.stdout.split()[-1])


def python_peer(module, script):
    if importlib.util.find_spec(module) is None:
        raise Missing(f"{module}: expected the Python module, found none\n  hint: python3 -m pip install {module}")
    return lambda threads, files: lambda out: [sys.executable, HERE / script, str(threads), out / "PEER_LINES.csv", *files]


def typed_peer():
    if shutil.which("cargo") is None:
        raise Missing("simd-json: expected cargo, found none\n  hint: see https://rustup.rs")
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "peers"
    command = ["cargo", "build", "--release", "--locked", "--manifest-path", HERE / "typed/Cargo.toml"]
    subprocess.run(command, check=True, env=dict(os.environ, CARGO_TARGET_DIR=str(target)))
    binary = target / "release/typed-lines"
    return lambda threads, files: lambda out: [binary, str(threads), out / "PEER_LINES.csv", *files]


def rows(folder, left_out=frozenset()):
    """Header and normal forms of the rows, without those of claims left out."""
    with open(folder / "PEER_LINES.csv", newline="") as file:
        reader = csv.reader(file)
        header = [name.upper() for name in next(reader)]
        claim = header.index("CLAIM_ID")
        return header, [normal(header, row) for row in reader if row[claim] not in left_out]


def normal(header, row):
    return tuple(number(cell) if name in NUMBERS else cell for name, cell in zip(header, row, strict=True))


def number(cell):
    try:
        return Decimal(cell).normalize() if cell else ""
    except InvalidOperation:
        return cell


def left_out(folder):
    """Claims that a rule of the crosswalk leaves out; v2's resource ids are `carrier-` and the claim's id."""
    with open(folder / "issues.csv", newline="") as file:
        return {row["id"].split("-", 1)[-1] for row in csv.DictReader(file) if row["weight"] == "skipped"}


def differences(expected, found):
    """Where the rows differ, without any value of the data; empty if they do not."""
    if expected[0] != found[0]:
        return "other columns"
    if len(expected[1]) != len(found[1]):
        return f"{len(found[1])} rows instead of {len(expected[1])}"
    counts = {}
    for one, other in zip(expected[1], found[1]):
        if one != other:
            for name, cell, wanted in zip(expected[0], other, one):
                if cell != wanted:
                    counts[name] = counts.get(name, 0) + 1
    return ", ".join(f"{count} cells of {name}" for name, count in counts.items())


def is_claims(path):
    with open(path, "rb") as file:
        return b'"ExplanationOfBenefit"' in file.readline()


def spread(values, digits=2):
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--input", type=Path, help="folder with a plain export of v2")
    parser.add_argument("--beneficiaries", type=int, default=300, help="of the synthetic export")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--claimfeed", type=Path, default=ROOT / "target/release/claimfeed")
    parser.add_argument("--scratch", type=Path, help="where files are written for a while")
    parser.add_argument("--only", help="names of peers, with commas between them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.scratch) as scratch:
        bench(options, Path(scratch))


def bench(options, scratch):
    ours, export = options.claimfeed, options.input
    if not ours.exists():
        raise SystemExit(f"expected the command at `{ours}`, found none\n  hint: make build")
    if export is None:
        export = scratch / "export"
        count = str(options.beneficiaries)
        subprocess.run([ours, "synth", "--api", "v2", "--beneficiaries", count, "-o", export], check=True)
    files = sorted(path for path in export.rglob("*.ndjson") if is_claims(path))
    if not files:
        raise SystemExit(f"expected plain NDJSON files that begin with a claim, found none in `{export}`")
    size = sum(path.stat().st_size for path in files)
    cores = len(os.sched_getaffinity(0))

    def claimfeed(*more):
        def command(threads):
            return lambda out: [ours, "convert", export, "-o", out, "--force", "--threads", str(threads), *more]

        return command

    task = claimfeed("--schemas", HERE / "schemas", "--tables", "PEER_LINES")
    peers = {}
    for name, find in {
        "DuckDB": lambda: python_peer("duckdb", "duckdb_lines.py"),
        "Polars": lambda: python_peer("polars", "polars_lines.py"),
        "orjson": lambda: python_peer("orjson", "orjson_lines.py"),
        "simd-json": typed_peer,
    }.items():
        if options.only and name not in options.only.split(","):
            continue
        try:
            peers[name] = find()
        except Missing as missing:
            print(f"left out: {missing}", file=sys.stderr)
    engines = []
    for threads in sorted({1, cores}):
        engines.append(Engine("claimfeed, all tables", threads, claimfeed()(threads), is_ours=True, is_task=False))
        engines.append(Engine("claimfeed, 24 columns", threads, task(threads), is_ours=True))
        engines += [Engine(name, threads, peer(threads, files)) for name, peer in peers.items()]

    def run(engine):
        out = scratch / "out"
        out.mkdir(mode=0o700)
        seconds = engine.run(out)
        return out, seconds

    expected = skipped = None
    sound = []
    for engine in engines:
        out, _ = run(engine)
        if engine.is_task:
            if engine.is_ours and expected is None:
                expected, skipped = rows(out), left_out(out)
                print(f"{len(expected[1])} rows; {len(skipped)} claims are left out by rule", file=sys.stderr)
            found = differences(expected, rows(out, skipped))
            if found:
                print(f"left out: {engine.name}, {engine.threads} threads: {found}", file=sys.stderr)
        if not engine.is_task or not found:
            sound.append(engine)
        shutil.rmtree(out)
    times = {engine: [] for engine in sound}
    for round_ in range(options.rounds):
        print(f"round {round_ + 1} of {options.rounds}", file=sys.stderr)
        for engine in sound:
            out, seconds = run(engine)
            times[engine].append(seconds)
            shutil.rmtree(out)
    print(f"\n{size / 1e9:.2f} GB of claims, {len(expected[1])} rows, {options.rounds} rounds, {cores} cores; median (min to max)\n")
    print("| engine | threads | seconds | GB/s | times claimfeed's, all tables | times claimfeed's, 24 columns |")
    print("|---|---|---|---|---|---|")
    for engine in sound:
        beside = {other.is_task: times[other] for other in sound if other.is_ours and other.threads == engine.threads}
        ratios = [
            spread([mine / theirs for mine, theirs in zip(times[engine], beside[is_task])]) for is_task in (False, True)
        ]
        speed = size / 1e9 / statistics.median(times[engine])
        print(f"| {engine.name} | {engine.threads} | {spread(times[engine])} | {speed:.2f} | {ratios[0]} | {ratios[1]} |")


if __name__ == "__main__":
    main()

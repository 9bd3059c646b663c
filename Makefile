# What people do here. `make help` lists it; each target works on a fresh machine with Rust.
.DEFAULT_GOAL := help
.PHONY: wheel test-python test-spark test-sail bench-python
.PHONY: help demo build test check bench bench-peers profile golden clean fuzz seeds valgrind asan neon torture deny release

CARGO ?= cargo
DEMO ?= demo
# seconds for each fuzz target
T ?= 60
# of bench-peers and profile: an export that is there, else a synthetic one is made
INPUT ?=
ROUNDS ?= 5
TARGET = $(or $(CARGO_TARGET_DIR),target)
# where `make release` leaves the binary
RELEASES ?= release
RELEASE = $(TARGET)/release
VENV = $(TARGET)/pyvenv
HAS_VENV = python3 -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))' 2>/dev/null
HOST = $(shell rustc -vV | sed -n "s/^host: //p")

help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build, make a small synthetic export, convert it, show the result
	@command -v $(CARGO) >/dev/null || { echo "expected Rust (cargo), found none: see https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null || { echo "expected a C compiler, found none: apt-get install build-essential"; exit 1; }
	$(CARGO) build --release --locked
	rm -rf $(DEMO)
	$(RELEASE)/claimfeed synth --api v3 --beneficiaries 50 -o $(DEMO)/export
	$(RELEASE)/claimfeed convert $(DEMO)/export -o $(DEMO)/tables
	@echo
	@echo "the first lines of $(DEMO)/tables/CCLF5.csv, some columns:"
	@cut -d, -f1,2,3,6,7,12,15,16,26 $(DEMO)/tables/CCLF5.csv | head -6 | column -s, -t 2>/dev/null || \
		cut -d, -f1,2,3,6,7,12,15,16,26 $(DEMO)/tables/CCLF5.csv | head -6

build: ## release binary in target/release/claimfeed
	$(CARGO) build --release --locked

# With the whole workspace libraries get the features that the extension module asks for, and are built once for both.
test: ## all tests but Spark's; those against ../shared (or CLAIMFEED_SHARED) say loudly if they skip
	$(CARGO) test --locked --workspace
	@if $(HAS_VENV) || [ -n "$$CI" ]; then $(MAKE) test-python; else \
		echo; echo "*** NOT TESTED: the Python package; apt-get install python3 python3-venv ***"; echo; fi

torture: ## every offset, a hundred kills, five million people: the long run of the tests that damage, kill and fill; prints counts
	CLAIMFEED_TORTURE=1 $(CARGO) test --locked --test torture --test crash --test memory -- --nocapture

deny: ## licences, sources, doubles and advisories of dependencies, by cargo-deny
	@command -v cargo-deny >/dev/null || { echo "expected cargo-deny, found none: cargo install --locked cargo-deny"; exit 1; }
	cargo-deny check licenses sources bans
	@cargo-deny check advisories || { \
		echo; echo "*** ADVISORIES: there are some, or their database could not be reached: see above ***"; echo; exit 1; }

# The same bytes wherever and whenever: no paths, no times, one linker job after another's order.
REPRODUCIBLE = CARGO_INCREMENTAL=0 SOURCE_DATE_EPOCH=0 \
	RUSTFLAGS="--remap-path-prefix=$(CURDIR)=/claimfeed --remap-path-prefix=$(HOME)/.cargo=/cargo" \
	CFLAGS="-ffile-prefix-map=$(CURDIR)=/claimfeed -ffile-prefix-map=$(HOME)/.cargo=/cargo"

release: ## the binary built twice, compared, with its checksum and its dependencies, in RELEASES (takes long)
	@rm -rf $(RELEASES) && mkdir -p $(RELEASES)
	$(REPRODUCIBLE) $(CARGO) build --release --locked --bin claimfeed --target-dir $(RELEASES)/build
	cp $(RELEASES)/build/release/claimfeed $(RELEASES)/claimfeed
	rm -rf $(RELEASES)/build
	$(REPRODUCIBLE) $(CARGO) build --release --locked --bin claimfeed --target-dir $(RELEASES)/build
	@cmp $(RELEASES)/build/release/claimfeed $(RELEASES)/claimfeed || { echo "expected the same bytes twice, found others"; exit 1; }
	rm -rf $(RELEASES)/build
	$(CARGO) tree --locked --edges normal,build --prefix none --format "{p} {l}" | sed 's| ([^)]*)||' | sort -u > $(RELEASES)/dependencies.txt
	cd $(RELEASES) && sha256sum claimfeed dependencies.txt > SHA256SUMS && cat SHA256SUMS

check: ## format, lints, tests, docs: what CI runs; cargo-deny where it is installed
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	$(MAKE) test
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps
	@if command -v cargo-deny >/dev/null; then $(MAKE) deny; else \
		echo; echo "*** NOT CHECKED: security advisories of dependencies; cargo install --locked cargo-deny ***"; echo; fi

bench: ## speeds of the stages, as ratios in one run
	$(CARGO) bench --locked

bench-peers: build ## the same task in DuckDB, Polars, orjson and simd-json beside it (INPUT=export ROUNDS=5)
	@command -v python3 >/dev/null || { echo "expected Python 3, found none: apt-get install python3"; exit 1; }
	python3 benches/peers/run.py --rounds $(ROUNDS) $(if $(INPUT),--input $(INPUT)) --claimfeed $(RELEASE)/claimfeed

profile: build ## instructions per claim of the costliest functions, by callgrind (INPUT=export); needs valgrind
	python3 benches/profile.py $(RELEASE)/claimfeed $(INPUT)

golden: ## make testdata/ anew from the generator and the converter; review the diff like code
	$(CARGO) build --locked
	@for api in v1 v2 v3; do \
		rm -rf testdata/$$api; \
		target/debug/claimfeed synth --api $$api --beneficiaries 4 --claims 7 --seed 13 --mix even -o testdata/$$api/export 2>/dev/null && \
		target/debug/claimfeed convert testdata/$$api/export -o testdata/$$api/tables --lineage 2>/dev/null && \
		rm testdata/$$api/tables/summary.json testdata/$$api/tables/report.html || exit 1; \
	done
	@chmod -R u=rwX,go=rX testdata
	@du -sh testdata

fuzz: ## every fuzz target for T seconds (make fuzz T=600); with AddressSanitizer where there are nightly and cargo-fuzz
	fuzz/run.sh $(T)

seeds: ## make the fuzz targets' first inputs anew, from testdata and schemas
	fuzz/run.sh 0

valgrind: ## memcheck over the tests of the unsafe code; needs valgrind
	@command -v valgrind >/dev/null || { echo "expected valgrind, found none: apt-get install valgrind"; exit 1; }
	PROPTEST_CASES=64 $(CARGO) test --locked --lib \
		--config 'target.$(HOST).runner = "valgrind --quiet --error-exitcode=9 --leak-check=no"' parse::scan
	PROPTEST_CASES=16 $(CARGO) test --locked --test scanner \
		--config 'target.$(HOST).runner = "valgrind --quiet --error-exitcode=9 --leak-check=no"' -- \
		long_numbers token_soup sound_json arbitrary_bytes

asan: ## AddressSanitizer over the tests of the scanner; needs nightly
	@$(CARGO) +nightly --version >/dev/null 2>&1 || { echo "expected the nightly toolchain, found none: rustup toolchain install nightly"; exit 1; }
	RUSTFLAGS=-Zsanitizer=address $(CARGO) +nightly test --locked --target $(HOST) --lib parse::scan
	RUSTFLAGS=-Zsanitizer=address $(CARGO) +nightly test --locked --target $(HOST) --test scanner

neon: ## the scanner's tests on an emulated aarch64; needs qemu-user, a cross compiler and the rustup target
	@for tool in qemu-aarch64 aarch64-linux-gnu-gcc; do command -v $$tool >/dev/null || \
		{ echo "expected $$tool, found none: apt-get install qemu-user gcc-aarch64-linux-gnu libc6-dev-arm64-cross"; exit 1; }; done
	CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc $(CARGO) test --locked --lib --target aarch64-unknown-linux-gnu \
		--config 'target.aarch64-unknown-linux-gnu.linker = "aarch64-linux-gnu-gcc"' \
		--config 'target.aarch64-unknown-linux-gnu.runner = "qemu-aarch64 -L /usr/aarch64-linux-gnu"' parse::scan

# Packages come from the registry by pip; what is there already is not asked for again.
VENV_PYTHON = $(VENV)/bin/python
$(VENV)/ready-%: python/pyproject.toml
	@$(HAS_VENV) || \
		{ echo "expected Python 3.10 or newer with venv, found none: apt-get install python3 python3-venv"; exit 1; }
	[ -x $(VENV_PYTHON) ] || python3 -m venv $(VENV)
	$(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check $(PIP_$*)
	echo $(abspath python) > $$($(VENV_PYTHON) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/claimfeed.pth
	touch $@
# dbt-core 1.11 and later bring a parser that is not on the registry.
PIP_test = pytest pyarrow polars duckdb pandas 'dbt-core>=1.9,<1.11' dbt-duckdb
PIP_spark = 'pyspark[sql]>=4,<5'
# The newest that Sail takes.
PIP_sail = pysail 'pyspark[connect]==4.1.*' 'pandas<3' pytest pyarrow
PIP_wheel = maturin

# The extension module beside its package, where the venv finds it. A test target is named so that libraries have the features
# that `make test` gives them: they are there already.
EXTENSION = python/claimfeed/_claimfeed.abi3.so
build-python = PYO3_PYTHON=$(abspath $(VENV_PYTHON)) $(CARGO) build --locked -p claimfeed -p claimfeed-python --lib --bins
.PHONY: develop-python
develop-python: $(VENV)/ready-test
	$(build-python) --test split
	cp $$(ls $(TARGET)/debug/lib_claimfeed.so $(TARGET)/debug/lib_claimfeed.dylib 2>/dev/null) $(EXTENSION)
PYTEST = CLAIMFEED_COMMAND=$(abspath $(TARGET)/debug/claimfeed) $(VENV_PYTHON) -m pytest -q -p no:cacheprovider

test-python: develop-python ## the Python package and examples/etl, in a venv of pip's; needs Python 3.10 with venv
	$(PYTEST) python/tests --ignore python/tests/spark --ignore python/tests/sail

test-spark: develop-python $(VENV)/ready-spark ## Spark 4: two executors, and a standalone cluster on loopback; needs Java 17 or newer
	@java -version >/dev/null 2>&1 || { echo "expected Java 17 or newer, found none: apt-get install default-jre-headless"; exit 1; }
	$(PYTEST) python/tests/spark

SAIL = $(TARGET)/sailvenv
test-sail: develop-python ## the Spark source on Sail, in a venv of its own
	$(MAKE) --no-print-directory VENV=$(SAIL) $(SAIL)/ready-sail
	$(MAKE) --no-print-directory VENV=$(SAIL) pytest-sail
.PHONY: pytest-sail
pytest-sail:
	$(PYTEST) python/tests/sail

bench-python: $(VENV)/ready-test ## claimfeed.read into Polars and DuckDB beside the command's Arrow (INPUT=export ROUNDS=5)
	$(build-python) --release
	cp $$(ls $(TARGET)/release/lib_claimfeed.so $(TARGET)/release/lib_claimfeed.dylib 2>/dev/null) $(EXTENSION)
	$(VENV_PYTHON) python/bench/read.py --rounds $(ROUNDS) $(if $(INPUT),--input $(INPUT)) --claimfeed $(RELEASE)/claimfeed

wheel: $(VENV)/ready-wheel ## wheel and sdist of the Python package, in target/wheels
	$(VENV)/bin/maturin build --release --locked --sdist -m python/Cargo.toml

clean: ## remove what was built
	$(CARGO) clean
	rm -rf $(DEMO)

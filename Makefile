# What people do here. `make help` lists it; each target works on a fresh machine with Rust.
.DEFAULT_GOAL := help
.PHONY: help demo build test check bench golden clean

CARGO ?= cargo
DEMO ?= demo

help: ## this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## build, make a small synthetic export, convert it, show the result
	@command -v $(CARGO) >/dev/null || { echo "expected Rust (cargo), found none: see https://rustup.rs"; exit 1; }
	@command -v cc >/dev/null || { echo "expected a C compiler, found none: apt-get install build-essential"; exit 1; }
	$(CARGO) build --release --locked
	rm -rf $(DEMO)
	target/release/claimfeed synth --api v3 --beneficiaries 50 -o $(DEMO)/export
	target/release/claimfeed convert $(DEMO)/export -o $(DEMO)/tables
	@echo
	@echo "the first lines of $(DEMO)/tables/CCLF5.csv, some columns:"
	@cut -d, -f1,2,3,6,7,12,15,16,26 $(DEMO)/tables/CCLF5.csv | head -6 | column -s, -t 2>/dev/null || \
		cut -d, -f1,2,3,6,7,12,15,16,26 $(DEMO)/tables/CCLF5.csv | head -6

build: ## release binary in target/release/claimfeed
	$(CARGO) build --release --locked

test: ## all tests; those against ../shared (or CLAIMFEED_SHARED) say loudly if they skip
	$(CARGO) test --locked

check: ## format, lints, tests, docs: what CI runs
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	$(CARGO) test --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps

bench: ## speeds of the stages, as ratios in one run
	$(CARGO) bench --locked

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

clean: ## remove what was built
	$(CARGO) clean
	rm -rf $(DEMO)

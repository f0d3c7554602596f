# CI calls these and nothing else.
.PHONY: run test check gen soak bench web build

# Starts the whole house with embedded defaults. No question asked.
run:
	@deploy/install.sh run
	@$(MAKE) --no-print-directory web build
	@deploy/demo.sh

# Every test there is, in at most 45 minutes from a clean clone on two cores.
test:
	@deploy/install.sh test
	@$(MAKE) --no-print-directory web build
	cd web && npm run --silent lint && npm test --silent
	tests/peers/prepare.sh
	cargo test --workspace
	@$(MAKE) --no-print-directory check

# What needs no run: format, lints, advisories.
check:
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --quiet -- -D warnings
	@tests/audit.sh

# The long counts: the same tests with more seeds and more kills.
soak:
	@deploy/install.sh test
	@$(MAKE) --no-print-directory web build
	tests/peers/prepare.sh
	PATCHBAY_SOAK=1 cargo test --workspace -- --nocapture

# The load harness, against a mediad built for speed. About five minutes.
bench:
	cargo build --release -p mediad -p bench
	for scenario in bridge bridge-record play setup-storm; do \
	    $${CARGO_TARGET_DIR:-target}/release/bench run bench/scenarios/$$scenario.toml --repeats 1 --measure 10; \
	done

# Files that come from code: OpenAPI, the web app's types, the protocol's golden lines.
gen:
	cargo run --quiet -p controld -- openapi > web/openapi.json
	cd web && npm run --silent gen
	PATCHBAY_BLESS=1 cargo test -p protocol

# The web app, embedded into controld at build time.
web: web/dist/index.html
web/dist/index.html: web/node_modules/.package-lock.json $(shell find web/src web/index.html web/vite.config.ts web/package.json 2>/dev/null)
	cd web && npm run --silent build
	@touch $@
web/node_modules/.package-lock.json: web/package-lock.json
	cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

build:
	cargo build --workspace --bins

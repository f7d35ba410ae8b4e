# `make demo` and `make test` set up everything they need. They require Rust, Node.js and a C compiler.

SHELL := bash
.DELETE_ON_ERROR:

export TEST_LOG := $(CURDIR)/target/test-log
step := @.ci/step

# Installed again only if the lock file changes.
NPM_PACKAGES := node/node_modules/.package-lock.json examples/koa-demo/node_modules/.package-lock.json
# Node releases and package managers for the packaging tests, for this platform only.
NPM_TOOLS := node/test/packaging/tools/node_modules/.package-lock.json

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "make %-14s %s\n", $$1, $$2 }'

.PHONY: demo
demo: ## Build, then run the demo app on a local engine until Ctrl-C
	@.ci/check-tools demo
	cargo build --locked --package dynamodb-session-cli
	cd node && npm run --silent build:debug
	@$(MAKE) --no-print-directory examples/koa-demo/node_modules/.package-lock.json
	@exec node examples/koa-demo/start.js

# Steps that fail fast come first. Each folder of JavaScript tests is a step, in the order of .ci/test-folders. The last line
# adds up the results of all test runners.
.PHONY: test
test: ## Check and test everything, as CI does
	@.ci/check-tools test
	@rm -rf $(TEST_LOG)
	$(step) 'rust format' cargo fmt --all --check
	$(step) 'lock files' .ci/lock-files
	$(step) 'import rings' .ci/import-rings
	$(step) 'long files' .ci/long-files
	$(step) 'every test' .ci/every-test
	$(step) 'npm packages' $(MAKE) --no-print-directory $(NPM_PACKAGES) $(NPM_TOOLS)
	$(step) 'javascript lint' npm run --silent --prefix node lint
	$(step) 'types typescript' npm run --silent --prefix node test:types
	$(step) 'types flow' npm run --silent --prefix node test:flow
	$(step) 'rust lint' cargo clippy --locked --workspace --exclude koa-session-dynamodb-store --all-targets --all-features -- -D warnings
	$(step) 'addon lint' cargo clippy --locked --package koa-session-dynamodb-store --lib -- -D warnings
	$(step) 'rust benchmark' cargo check --locked --manifest-path bench/rust/Cargo.toml --target-dir target/bench
	$(step) 'unsafe code' .ci/unsafe-code
	$(step) 'rust docs' env RUSTDOCFLAGS=-Dwarnings cargo doc --locked --workspace --all-features --no-deps
	$(step) 'rust tests' cargo test --locked --workspace --all-features -- --show-output
	$(step) 'local engine' cargo build --locked --package dynamodb-session-cli --package dynamodb-session-faults
	$(step) 'binding declarations' .ci/unchanged node/binding.d.ts npm run --silent --prefix node build:debug
	$(step) 'addon' npm run --silent --prefix node build
	@for folder in $$(.ci/test-folders); do .ci/step "javascript $${folder#node/test/}" .ci/js-tests "$$folder" || exit 1; done
	@.ci/summary $(TEST_LOG)

# CONFORMANCE_UNMET lists what the endpoint lacks, separated by commas. Cases that need it are skipped and printed.
.PHONY: test-endpoint
test-endpoint: $(NPM_PACKAGES) ## Run the conformance suite against DYNAMODB_ENDPOINT=URL
	@test -n "$(DYNAMODB_ENDPOINT)" || { echo 'usage: DYNAMODB_ENDPOINT=http://localhost:8000 make test-endpoint' >&2; exit 2; }
	cargo test --locked --package dynamodb-session --test it -- --ignored --show-output the_endpoint_in_the_environment
	cd node && npm run --silent build:debug
	.ci/js-tests node/test/conformance

.PHONY: package-crates
package-crates: ## Pack the crates for crates.io, and build each from its own tarball
	.ci/publish-crates --dry-run

.PHONY: bench
bench: bench-build ## Measure this package beside its peers and write docs/benchmarks.md
	node bench/run.js

.PHONY: bench-quick
bench-quick: bench-build ## Measure in three minutes, only the table of targets
	node bench/run.js --quick

.PHONY: bench-build
bench-build: bench/node_modules/.package-lock.json
	@.ci/check-tools demo
	@bench/install-wrk
	npm run --silent --prefix node build
	cargo build --locked --release --manifest-path bench/rust/Cargo.toml --target-dir bench/rust/target

# MINUTES is the duration. SEED, which each run prints, repeats the choices of that run.
.PHONY: soak
soak: $(NPM_PACKAGES) ## Run an app under load and faults for MINUTES (10), and look for lost data and leaks
	@.ci/check-tools demo
	cargo build --locked --package dynamodb-session-cli
	npm run --silent --prefix node build
	SEED=$(SEED) node node/test/soak/run.js $(MINUTES)

# New inputs are kept in target/fuzz-corpus. Inputs that break a target are written to fuzz/artifacts.
.PHONY: fuzz
fuzz: SECONDS ?= 60
fuzz: ## Run each fuzz target for SECONDS (60)
	@.ci/check-tools fuzz
	.ci/fuzz $(SECONDS)

.PHONY: sanitize
sanitize: $(NPM_PACKAGES) ## Run tests of the addon under AddressSanitizer and LeakSanitizer
	@.ci/check-tools sanitize
	.ci/sanitize $(addprefix node/test/,unit process frameworks protocol)

# The checks of `make test` that find more in a longer run. SECONDS is for each fuzz target, MINUTES for the soak. ADVISORIES=1
# looks up known vulnerabilities, over the network. MODEL_CASES is the number of random cases of the model: a thousand take
# about 15 seconds on two cores. The model of users takes a quarter as many, for as long. MODEL_STATES bounds each of the
# searches. MODEL_SEED repeats one case. STRESS multiplies the test in which stores, threads and processes come and go: one round
# takes about 10 seconds.
.PHONY: audit
audit: export MODEL_CASES ?= 20000
audit: export MODEL_STATES ?= 5000
audit: export STRESS ?= 20
audit: MINUTES ?= 5
audit: ## Run the long checks: dependencies, fuzzing, sanitizers, the model, stress, the soak
	@.ci/check-tools audit
	.ci/deny
	$(MAKE) --no-print-directory fuzz
	$(MAKE) --no-print-directory sanitize
	cargo test --locked --package dynamodb-session --test it -- --show-output model::
	$(MAKE) --no-print-directory soak MINUTES=$(MINUTES)
	.ci/js-tests node/test/process/stress

# PLATFORM is a name of node/npm/platforms.json. Without it, all of them are built that can be built here. See "Cross-building"
# in CONTRIBUTING.md.
.PHONY: release
release: ## Build the addon and the program for PLATFORM, or all, into target/release-artifacts, and check them
	node release/build.js $(PLATFORM)

.PHONY: release-reproducible
release-reproducible: release ## Do the same again elsewhere, and compare the bytes
	rm -rf target/release-again target/release-artifacts-again
	node release/build.js --target-dir $(CURDIR)/target/release-again --out $(CURDIR)/target/release-artifacts-again $(PLATFORM)
	cd target/release-artifacts && find $(or $(PLATFORM),*-*) -type f -exec sha256sum {} + > ../release-artifacts.sha256
	cd target/release-artifacts-again && sha256sum --check ../release-artifacts.sha256

.PHONY: test-platforms
test-platforms: $(NPM_PACKAGES) ## Run tests in Node.js of other platforms, and write docs/platforms-report.md
	cargo build --locked --package dynamodb-session-cli --package dynamodb-session-faults
	npm run --silent --prefix node build:js
	node release/test-platforms.js $(PLATFORM)

.PHONY: fmt
fmt: node/node_modules/.package-lock.json ## Format Rust and JavaScript
	cargo fmt --all
	npm run --silent --prefix node lint -- --fix

.PHONY: clean
clean: ## Remove all build output and installed packages
	cargo clean
	rm -rf node/*.node node/dist node/node_modules examples/*/node_modules node/test/packaging/tools/node_modules
	rm -rf bench/node_modules bench/rust/target

%/node_modules/.package-lock.json: %/package.json %/package-lock.json
	cd $* && npm ci --no-audit --no-fund
	@touch $@

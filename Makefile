# Everything installs itself into this checkout: .venv and node_modules. `make clean` takes it away.
# Needed beforehand: Python 3.11 or newer and make; Node 20 or newer for contracts and tests.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.NOTPARALLEL:
.DELETE_ON_ERROR:

JOBS ?= 4
ARGS ?=
CASES ?= 1000000
SEED ?= 11
TIMES ?= 20
ROUNDS ?= 5
PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)

VENDORS := openfort para portal

BIN := .venv/bin
STEP := tools/step.sh
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input install --quiet --no-deps
COMPILE := $(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header \
	--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host

.PHONY: help demo dev test fuzz check bench contracts pages lock clean node node-if-any

help: ## what can be made (this)
	@sed -n 's/^\([a-z]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name what; do \
		printf '  make %-10s %s\n' "$$name" "$$what"; done

demo: .venv/valetkey.stamp node-if-any ## the whole story in a minute: a session acts, is limited and stopped
	@$(BIN)/valetkey demo

dev: .venv/valetkey.stamp node-if-any ## a server and a local chain that keep running
	@$(BIN)/valetkey dev

# Tests run in another order each time, but in CI in one: there an order is not what is looked for.
ORDER := $(if $(CI),--randomly-seed=1)

test: .venv/dev.stamp node $(VENDORS:%=tests/vendor/%/node_modules/lock.stamp) ## every test (ARGS="tests/core -x" for some)
	@$(BIN)/pytest --numprocesses=$(JOBS) --dist=worksteal $(ORDER) $(ARGS)

fuzz: .venv/dev.stamp node ## the random tests at length (CASES=1000000 of decide against the contract, SEED=11; TIMES=20 as many elsewhere)
	@$(BIN)/python -m tests.chain.differential --cases $(CASES) --seed $(SEED) --jobs $(JOBS)
	@VALETKEY_FUZZ=$(TIMES) $(BIN)/pytest --quiet --numprocesses=$(JOBS) --dist=worksteal --timeout=3600 \
		tests/chain/test_forge.py tests/chain/test_agreement.py tests/core tests/spec tests/crash/test_kill.py \
		tests/http/test_fuzz.py tests/http/test_fuzz_chains.py
	@grep -E "runs:|tests passed" build/forge.txt

check: .venv/dev.stamp node ## what must hold before tests: format, lint, types, imports, artefacts, tree
	@$(STEP) "format" $(BIN)/ruff format --check .
	@$(STEP) "lint" $(BIN)/ruff check .
	@$(STEP) "types" $(BIN)/mypy
	@$(STEP) "imports" $(BIN)/lint-imports --no-cache
	@$(STEP) "contracts match their sources" node contracts/build.mjs --check
	@$(STEP) "pages match their sources" node pages/build.mjs --check
	@$(STEP) "reference of the SDK" $(BIN)/python tools/write_python_reference.py --check
	@$(STEP) "shell scripts" tools/check_shell.sh
	@$(STEP) "tree" $(BIN)/python tools/check_tree.py

bench: .venv/dev.stamp node bench/peers/.venv/lock.stamp bench/peers/node_modules/lock.stamp ## measure against others, into docs/reference/performance.md (ROUNDS=5)
	@$(BIN)/python bench/store.py
	@$(BIN)/python -m bench.sessions --rounds $(ROUNDS) --write docs/reference/performance.md

contracts: node ## compile the contracts and write the artefacts that are committed
	@node contracts/build.mjs

pages: node ## build the pages that the server serves and write the files that are committed
	@node pages/build.mjs

# A release must be a week old before it is locked. An index that gives no upload times cannot say:
# then `make lock AGED=` and look at the dates by hand. Already locked versions stay; UPGRADE=--upgrade renews.
AGED ?= --uploaded-prior-to $(shell $(PYTHON) -c \
	'import datetime as d; print(f"{d.datetime.now(d.UTC) - d.timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}")')
UPGRADE ?=

lock: .venv/dev.stamp ## write requirements/*.txt and package-lock.json anew
	@$(STEP) "requirements/runtime.txt" $(COMPILE) $(AGED) $(UPGRADE) -o requirements/runtime.txt pyproject.toml
	@$(STEP) "requirements/devchain.txt" $(COMPILE) $(AGED) $(UPGRADE) -c requirements/runtime.txt \
		--extra devchain --build-deps-for editable -o requirements/devchain.txt pyproject.toml
	@$(STEP) "requirements/dev.txt" $(COMPILE) $(AGED) $(UPGRADE) -c requirements/devchain.txt \
		--extra devchain --extra dev --build-deps-for editable -o requirements/dev.txt pyproject.toml
	@$(STEP) "package-lock.json" npm install --package-lock-only --ignore-scripts \
		--omit-lockfile-registry-resolved --no-audit --no-fund
	@$(STEP) "no addresses in them" $(BIN)/python tools/check_tree.py requirements package-lock.json

clean: ## take away what make and the tools put here
	@rm -rf .venv node_modules bench/peers/.venv bench/peers/node_modules tests/vendor/*/node_modules build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	@find src tests tools bench -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true

# --- what the targets stand on ---

.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "valetkey needs Python 3.11 or newer on the PATH."; exit 1; }
	@$(STEP) "making .venv with $$($(PYTHON) --version)" $(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "Python could not make a virtual environment (Debian and Ubuntu: install python3-venv)."; exit 1; }

.venv/demo.stamp: requirements/devchain.txt | .venv/bin/python
	@$(STEP) "installing what the server and the local chain need" $(PIP) --require-hashes -r requirements/devchain.txt
	@touch $@

.venv/valetkey.stamp: pyproject.toml .venv/demo.stamp
	@$(STEP) "installing valetkey from this checkout" $(PIP) --no-build-isolation --editable .
	@touch $@

.venv/dev.stamp: requirements/dev.txt .venv/demo.stamp | .venv/valetkey.stamp
	@$(STEP) "installing what tests and checks need" $(PIP) --require-hashes -r requirements/dev.txt
	@touch $@

node: node_modules/lock.stamp

node_modules/lock.stamp: package.json package-lock.json
	@command -v npm >/dev/null || { echo "This needs Node 20 or newer with npm on the PATH."; exit 1; }
	@$(STEP) "installing solc, anvil, forge, TypeScript and esbuild" npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# The vendors' own clients, for the tests of their wire formats. Nothing of theirs is built or shipped.
tests/vendor/%/node_modules/lock.stamp: tests/vendor/%/package.json tests/vendor/%/package-lock.json
	@command -v npm >/dev/null || { echo "This needs Node 20 or newer with npm on the PATH."; exit 1; }
	@$(STEP) "installing the clients of $* for its tests" \
		npm --prefix tests/vendor/$* ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

# What `make bench` measures against, each apart from what we use ourselves.
bench/peers/.venv/lock.stamp: bench/peers/requirements.txt | .venv/bin/python
	@$(STEP) "installing Django and gunicorn to measure against" sh -c '$(BIN)/python -m venv --clear bench/peers/.venv && \
		bench/peers/.venv/bin/python -m pip --disable-pip-version-check --no-input install --quiet --no-deps \
		--require-hashes -r bench/peers/requirements.txt'
	@touch $@

# better-sqlite3 alone has something to compile, or to fetch compiled.
bench/peers/node_modules/lock.stamp: bench/peers/package.json bench/peers/package-lock.json
	@command -v npm >/dev/null || { echo "This needs Node 20 or newer with npm on the PATH."; exit 1; }
	@$(STEP) "installing oidc-provider, express-session and better-auth to measure against" \
		npm --prefix bench/peers ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@$(STEP) "compiling better-sqlite3 for them (minutes, once)" npm --prefix bench/peers rebuild better-sqlite3
	@touch $@

# The demo runs without Node: the local chain is then py-evm.
node-if-any:
	@if command -v npm >/dev/null; then $(MAKE) --silent --no-print-directory node || \
		echo "  npm could not install anvil: unless it is on the PATH, the local chain is py-evm"; \
	else echo "  npm is not here: unless anvil is on the PATH, the local chain is py-evm"; fi

SHELL := bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
EXTRAS := live,yaml,expressions,plots,deliver,metrics,sql,dash,tui
RECORDS ?=
SEED ?= 7

.DEFAULT_GOAL := help

.PHONY: help
help: ## show this help
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "make %-13s %s\n", $$1, $$2}'

$(BIN)/.installed: pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) not found; install Python 3.11 or newer" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: Python 3.11 or newer is needed; say which: make install PYTHON=python3.12" >&2; exit 2; }
	@echo "setting up $(VENV) (once) ..." >&2
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS)]'
	@touch $@

$(BIN)/.installed-dev: $(BIN)/.installed
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS),dev]'
	@touch $@

.PHONY: install
install: $(BIN)/.installed ## set up .venv with the commands and their extras
	@[ -n "$(MAKECMDGOALS:run=)" ] && echo 'ready: export PATH="$(CURDIR)/bin:$$PATH"' >&2 || true

.PHONY: run
run: install ## run the main job on simulated traffic until Ctrl-C (RECORDS=20000 ends after that many)
	@echo "simulated traffic, alerts as they come$(if $(RECORDS),, (Ctrl-C ends)):" >&2
	@bin/txsim --seed $(SEED) $(if $(RECORDS),--records $(RECORDS),--rate 300) --fraud-rate 0.05 \
	  | bin/txdetect --list blocklists/demo.csv --stats $(if $(RECORDS),,--heartbeat 1) \
	  $(if $(RECORDS),,| bin/txdash --list blocklists/demo.csv --no-keep --no-stats) \
	  | bin/txalert --format human --min-severity medium --stats

.PHONY: test
test: $(BIN)/.installed-dev ## set up and run the tests
	@$(BIN)/python -m pytest -q -n 2

.PHONY: lint
lint: $(BIN)/.installed-dev ## lint, format and types; writes nothing
	@$(BIN)/ruff check src tests
	@$(BIN)/ruff format --check src tests
	@$(BIN)/mypy

.PHONY: check
check: lint test ## lint, types and tests; writes nothing

# The wheel holds the files of src/ and the lists, and its commands run in a folder without it and in an environment of its own.
WHEEL_TESTS := tests/test_cases.py tests/test_registry.py tests/pipe/test_common.py tests/pipe/test_readme.py
.PHONY: wheel-check
wheel-check: $(BIN)/.installed-dev ## build the wheel and test its commands without src/
	@rm -rf build/wheel && mkdir -p build/wheel/checkout
	@$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir build/wheel .
	@((cd src && find txpipe -type f ! -name '*.pyc'); find blocklists -type f | sed 's,^,txpipe/,') \
	  | LC_ALL=C sort > build/wheel/files
	@$(BIN)/python -m zipfile -l build/wheel/*.whl | awk '/^txpipe\// {print $$1}' | LC_ALL=C sort | diff build/wheel/files -
	@$(PYTHON) -m venv build/wheel/venv
	@build/wheel/venv/bin/python -m pip install --quiet --disable-pip-version-check "$$(echo build/wheel/*.whl)[$(EXTRAS),dev]"
	@cp -r tests bin blocklists pyproject.toml Makefile README.md build/wheel/checkout/
	@cd build/wheel/checkout && ../venv/bin/python -m pytest -q -n 2 -p no:cacheprovider $(WHEEL_TESTS)

.PHONY: fmt
fmt: $(BIN)/.installed-dev ## format the code and mend what the linter can
	@$(BIN)/ruff check --fix src tests
	@$(BIN)/ruff format src tests

.PHONY: cases-update
cases-update: $(BIN)/.installed-dev ## rewrite the expectations under tests/cases; read the diff before you commit
	@$(BIN)/python -m pytest -q tests/test_cases.py --update-cases

$(BIN)/.installed-bench: $(BIN)/.installed-dev
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$(EXTRAS),dev,bench]'
	@touch $@

.PHONY: bench
bench: $(BIN)/.installed-bench ## measure speed side by side with other tools (BENCH=screen: one part)
	@$(BIN)/python tests/bench/run.py $(BENCH)

.PHONY: scorecard
scorecard: $(BIN)/.installed-dev ## measure the default rules on held-out simulated streams; rewrites README's scorecard
	@$(BIN)/python tests/bench/scorecard.py

.PHONY: clean
clean: ## remove what the targets above made
	@rm -rf $(VENV) dist build .bench .pytest_cache .hypothesis .mypy_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Every task by name. `make` alone prints them; `make setup` is run by the others when something it made is old.
#
#   PYTHON=/usr/bin/python3.12 make setup    choose the interpreter (3.11 or newer)
#   make test ARGS='-k fence'                pass more to pytest, evenflow up, and so on
#   make chaos ROUNDS=20                     how often each fault is tried

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ARGS ?=
ROUNDS ?= 1
MINUTES ?= 20
UV_VERSION := 0.13.9

# The first interpreter that runs and is new enough; shims of version managers may exist and not run.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && { echo $$p; break; }; done)

TOOLS := .tools
UV := $(TOOLS)/bin/uv
VENV := .venv
BIN := $(VENV)/bin
FUZZ_VENV := .venv-fuzz
PY := $(BIN)/python
STAMP := $(VENV)/.setup
PROJECTS := pyproject.toml $(wildcard libs/*/pyproject.toml services/*/pyproject.toml tools/*/pyproject.toml)
SOURCES := $(wildcard libs/*/src services/*/src examples/*/src tools/*/src)
TESTS := $(sort $(wildcard libs/*/tests/ services/*/tests/ tools/*/tests/) $(dir $(wildcard tests/*/*.py)))
# A test's name is its claim and its parameters are fixtures; what it calls is checked all the same.
TEST_TYPES := --cache-dir .mypy_cache/tests --allow-untyped-defs --allow-incomplete-defs --allow-untyped-calls \
	--allow-untyped-decorators --allow-any-generics --no-warn-return-any \
	--disable-error-code union-attr --disable-error-code var-annotated

export UV_PROJECT_ENVIRONMENT := $(VENV)
export UV_PYTHON_DOWNLOADS := never
export ROUNDS

.PHONY: help
help: ## Print this list.
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | \
		while IFS=$$'\t' read -r name text; do printf '  make %-12s %s\n' "$$name" "$$text"; done

# --- set-up ---------------------------------------------------------------------------------------

.PHONY: setup
setup: $(STAMP) ## Make .venv with everything the project needs, at the locked versions.

$(UV): Makefile
	@test -n "$(PYTHON)" || { echo 'no Python 3.11 or newer was found: install one, or say which with PYTHON=' >&2; exit 1; }
	@$(PYTHON) -m venv $(TOOLS) || { echo 'this Python cannot make virtual environments: install its venv module (python3-venv)' >&2; exit 1; }
	@$(TOOLS)/bin/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@touch $@

$(STAMP): $(UV) uv.lock $(PROJECTS)
	@test -n "$(PYTHON)" || { echo 'no Python 3.11 or newer was found: install one, or say which with PYTHON=' >&2; exit 1; }
	@echo 'making $(VENV): the packages of uv.lock on $(PYTHON)'
	@$(UV) sync --quiet --locked --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	@touch $@

# --- the product ----------------------------------------------------------------------------------

.PHONY: demo up down
demo: $(STAMP) ## Run real jobs through a whole system on this machine, and say what ran when and why.
	$(BIN)/evenflow demo $(ARGS)

up: $(STAMP) ## Run the one-machine system in the foreground until Ctrl-C.
	$(BIN)/evenflow up $(ARGS)

down: $(STAMP) ## Stop the one-machine system that runs, and its jobs.
	$(BIN)/evenflow down $(ARGS)

# --- tests ----------------------------------------------------------------------------------------

.PHONY: stores
stores: ## Unpack Prometheus, VictoriaMetrics and InfluxDB for the tests; installs and starts nothing.
	.ci/stores

.PHONY: test chaos soak bench bench-quality experiment golden
test: $(STAMP) ## Run all tests, integration and one round of chaos included; name what was skipped and why.
	$(PY) -m pytest -ra $(ARGS)

chaos: $(STAMP) ## Kill and pause everything under load, ROUNDS times; print what was lost, doubled or wrong.
	$(PY) tests/chaos/run.py --rounds $(ROUNDS) $(ARGS)

soak: $(STAMP) ## Run moderate load for MINUTES; print what grew by it, each with what cuts it.
	$(PY) -m tests.soak.run --minutes $(MINUTES) $(ARGS)

bench: $(STAMP) ## Measure latency, throughput, restart and memory; print a table.
	$(PY) tests/bench/run.py $(ARGS)

bench-quality: $(STAMP) ## Print schedules and placements beside published figures (logs: EVENFLOW_TRACES).
	$(PY) tests/bench/quality.py $(ARGS)

experiment: $(STAMP) ## Show fairness over time, through the core and live: CSV, pictures for docs, a table.
	$(PY) -m tests.experiment.run --docs $(ARGS)

golden: $(STAMP) ## Write the recorded decisions anew. Review the difference as prose before it goes in.
	$(PY) -m tests.golden.record

.PHONY: fuzz
fuzz: $(UV) ## Throw inputs that nobody meant at parsers, REST and the bus for MINUTES; print what was found.
	@UV_PROJECT_ENVIRONMENT=$(FUZZ_VENV) $(UV) sync --quiet --locked --group fuzz --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')"
	$(FUZZ_VENV)/bin/python tests/fuzz/run.py --minutes $(MINUTES) $(ARGS)

# --- checks ---------------------------------------------------------------------------------------

.PHONY: check lint types layers determinism fresh
check: lint types layers determinism fresh ## Run every check that is not a test.

lint: $(STAMP) ## Check style and formatting (ruff, all rules).
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Check types (mypy, strict).
	$(BIN)/mypy $(SOURCES) tools/__init__.py tools/checks tools/docs
	@failed=0; for folder in $(TESTS); do \
		case $$folder in */tests/) beside=$$folder ;; *) beside= ;; esac; \
		MYPYPATH=$$beside $(BIN)/mypy --no-error-summary $(TEST_TYPES) $$folder || failed=1; \
	done; exit $$failed

layers: $(STAMP) ## Check who imports whom (import-linter), circles, and the size of rooms and files.
	$(BIN)/lint-imports
	$(PY) -m tools.checks.rooms

determinism: $(STAMP) ## Check that what decides uses nothing that may differ between two runs.
	$(PY) -m tools.checks.determinism

fresh: $(STAMP) ## Check that drawn pages and frozen schemas say what the code says.
	$(PY) -m tools.docs --check

.PHONY: fmt docs schemas
fmt: $(STAMP) ## Format the code and mend what ruff can mend.
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(STAMP) ## Draw from the code: the maps, docs/jobs.md, docs/settings.md, lists of files.
	$(PY) -m tools.docs

schemas: $(STAMP) ## Freeze the JSON schemas of all facts. A changed schema is a changed contract.
	$(PY) -m tools.docs --schemas

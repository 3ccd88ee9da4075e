# One door to everything. Each target sets up what it needs by itself: Python 3.11 or newer, make
# and git are enough. Choose another interpreter with PYTHON=python3.12.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?=
BIN := .venv/bin

# How many tests run at once, and what else pytest is told: make test PYTEST="-k rotation -x"
WORKERS ?= 2
PYTEST ?=

# How long `make chaos` goes on, whichever comes first; SEED=… repeats the choices of a campaign.
KILLS ?= 1000
MINUTES ?= 30
SEED ?=

# What `make bench` measures: sizes in keys, rounds, parts (plans,changes,apply,verify,http,flood,help).
SIZES ?=
ROUNDS ?=
ONLY ?=

CODE := reconciler tests tools ci benchmarks

# Branch coverage that a room never falls below again, in percent; raise it when it has risen.
FLOORS := model:100 credentials:100 planning:100 manifest:99 apply:94 verification:94 server:96

.PHONY: help demo test bench promises chaos check services fix lock schemas clean venv
.PHONY: format lint types imports shell schemas-equal house workflows coverage wheel

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# ── For everybody ────────────────────────────────────────────────────────────────────────────────

demo: venv ## The first five minutes of a key, on this machine, in a temporary folder
	@tools/demo.sh

test: venv ## Run the tests, all but the long ones (those: make check, or LONG=1)
	$(BIN)/pytest -n $(WORKERS) $(if $(LONG),,-m "not long") $(PYTEST)

check: format lint types imports shell schemas-equal house workflows coverage ## All that a merge needs

bench: venv services ## Measure beside floors and peers, in turns, in one run; SIZES, ROUNDS, ONLY (wants Go)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
	  --only-binary :all: --requirement requirements/bench.lock
	$(BIN)/python -m benchmarks $(if $(SIZES),--sizes $(SIZES)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
	  $(if $(ONLY),--only $(ONLY))

chaos: venv ## Kill keyrec at random on a PostgreSQL and a Vault of its own; KILLS, MINUTES, SEED
	$(BIN)/python -m tests.chaos --kills $(KILLS) --minutes $(MINUTES) $(if $(SEED),--seed $(SEED))

promises: venv ## Kill runs at every point, hold the promises, print the tables (minutes)
	@counts=$$(mktemp -d); trap 'rm -rf "$$counts"' EXIT; failed=0; \
	KEYREC_PROMISES="$$counts" $(BIN)/pytest -q -n $(WORKERS) tests/promises || failed=1; \
	$(BIN)/python -m tests.promises.table "$$counts" || failed=1; exit $$failed

services: venv ## Find or build what the tests against real services need (Vault; wants Go)
	@tests/services/build_vault.sh

fix: venv ## Mend what can be mended by itself: format and simple lint
	$(BIN)/ruff check --fix $(CODE)
	$(BIN)/ruff format $(CODE)

lock: venv ## Make requirements/*.lock from pyproject.toml; UPGRADE=1 takes newer versions
	@tools/lock.sh $(BIN)/uv

schemas: venv ## Make schemas/ from the manifests' models, and the endpoint's OpenAPI document
	$(BIN)/keyrec schema --out schemas/v1
	$(BIN)/python tools/openapi.py

clean: ## Remove what was made here (not what stands in the user's cache)
	rm -rf .venv dist build .coverage .coverage.* htmlcov
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find reconciler tests tools -type d -name __pycache__ -prune -exec rm -rf {} +

venv: ## Make the virtual environment .venv from the lock
	@tools/venv.sh $(PYTHON)

# ── The parts of `make check` ────────────────────────────────────────────────────────────────────

format: venv ## Is the code formatted?
	$(BIN)/ruff format --check $(CODE)

lint: venv ## ruff
	$(BIN)/ruff check $(CODE)

types: venv ## mypy, strict
	$(BIN)/mypy

imports: venv ## Do imports point one way?
	$(BIN)/lint-imports

shell: venv ## shellcheck on every script
	$(BIN)/shellcheck .ci/run tools/*.sh ci/*.sh benchmarks/go/*.sh $(wildcard tests/services/*.sh)

schemas-equal: venv ## Are schemas/ what the models say?
	@made=$$(mktemp -d); trap 'rm -rf "$$made"' EXIT; $(BIN)/keyrec schema --out "$$made" > /dev/null; \
	diff -r "$$made" schemas/v1 || { echo "schemas/ is out of date: make schemas" >&2; exit 1; }

house: venv ## The rules about the repository itself: links, locks, length of modules
	$(BIN)/pytest -q tests/house

workflows: venv ## actionlint on the workflow files (wants Go)
	@tools/actionlint.sh

coverage: venv ## Run all tests and report branch coverage; no room falls below its floor
	$(BIN)/pytest -n $(WORKERS) --cov --cov-report=term $(PYTEST)
	@for floor in $(FLOORS); do \
	  $(BIN)/coverage report --format=total --include="reconciler/$${floor%:*}/*" \
	    --fail-under="$${floor#*:}" > /dev/null \
	    || { echo "Branch coverage of $${floor%:*} is below its floor of $${floor#*:} %." >&2; exit 1; }; \
	done

wheel: venv ## Build the distributions and try the wheel in an environment of its own
	@tools/try-wheel.sh

# `make help` lists the targets. The first one that needs the environment sets it up.

PYTHON ?= python3.11
VENV   ?= .venv
BIN    := $(VENV)/bin
SEED   ?= 1
READY  := $(VENV)/ready
# One more than cores, since many tests wait.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# Compiled modules are kept, whatever the environment says: without them each of the many processes here compiles anew.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help

help: ## List the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(READY) node_modules/.package-lock.json ## Install all dependencies, pinned, below this folder

$(READY): requirements-build.txt requirements-dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --require-hashes --no-deps -r requirements-build.txt
	$(BIN)/uv pip sync --quiet --require-hashes --python $(BIN)/python requirements-dev.txt
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation --python $(BIN)/python --editable .
	touch $@

node_modules/.package-lock.json: package-lock.json
	npm ci --no-audit --no-fund --loglevel=error
	touch $@

demo: setup ## Deploy into an embedded AWS, back up, replicate, restore and prove, in a minute
	@$(BIN)/python -m localaws.demo

quick: setup ## Run the unit tests without the slow ones, in less than a minute
	$(BIN)/pytest -q --numprocesses $(WORKERS) --dist loadgroup -m "not slow" tests/unit

test: setup ## Run all tests
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadgroup

check: lint types imports test ## Lint, types, import rules and tests: what CI runs

lint: setup
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: setup
	$(BIN)/mypy

imports: setup
	PYTHONPATH=lambdas:. $(BIN)/lint-imports

format: setup ## Format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

stress: SECONDS = 600
stress: setup ## Take snapshots while writers run and get killed: make stress SECONDS=600 SEED=1
	$(BIN)/python -m tests.stress --seconds $(SECONDS) --seed $(SEED)

race-matrix: CASES = 5000
race-matrix: setup ## Inject every operation at every step of a snapshot: make race-matrix CASES=5000 SEED=1
	$(BIN)/python -m tests.race_matrix --cases $(CASES) --seed $(SEED)

fuzz: CASES = 100000
fuzz: setup ## Unpack damaged and hostile archives: make fuzz CASES=100000 SEED=1
	$(BIN)/python -m tests.fuzz.archives --cases $(CASES) --seed $(SEED)

kill-promote: setup ## Kill a restore at every system call that changes files
	KILL_EVERY=1 $(BIN)/pytest -q tests/integration/test_killed_promote.py

bench: MEGABYTES = 1000
bench: setup ## Measure the speed of snapshots and archives: make bench MEGABYTES=1000
	$(BIN)/python -m benchmarks.snapshot --megabytes $(MEGABYTES) --seed $(SEED)
	$(BIN)/python -m benchmarks.archive
	$(BIN)/python -m benchmarks.restore --megabytes $(MEGABYTES)

deploy: setup ## Deploy, unless something would be lost: make deploy [stage=NAME] [replace=file-system,bucket,key,...]
	$(BIN)/python -m infra.deploy $(if $(stage),-c stage="$(stage)") $(if $(replace),--replace "$(replace)")

backup: setup ## Back up the database and its configuration
	scripts/backup.sh

backup-db: setup ## Back up only the database
	scripts/backup.sh --db-only

backup-s3: setup ## Back up to a bucket: make backup-s3 TO=s3://bucket/backups/
	@test -n "$(TO)" || { echo "usage: make backup-s3 TO=s3://bucket/backups/" >&2; exit 2; }
	scripts/backup.sh --to "$(TO)"

restore: setup ## Restore a backup: make restore FILE=backups/<archive>.tar.gz
	@test -n "$(FILE)" || { echo "usage: make restore FILE=backups/<archive>.tar.gz" >&2; exit 2; }
	scripts/restore.sh "$(FILE)"

restore-dry: setup ## Preview a restore: make restore-dry FILE=backups/<archive>.tar.gz
	@test -n "$(FILE)" || { echo "usage: make restore-dry FILE=backups/<archive>.tar.gz" >&2; exit 2; }
	scripts/restore.sh --dry-run "$(FILE)"

tables: setup ## Write the tables of alarms and settings in docs/ from their definitions
	$(BIN)/python -m infra.alarm_docs
	$(BIN)/python -m infra.settings_docs

# The functions do without the command line's own packages.
NOT_IN_FUNCTIONS := click rich markdown-it-py mdurl pygments colorama
PIN := uv pip compile --quiet --universal --python-version 3.11 --no-emit-index-url --generate-hashes --no-header
lock: setup ## Pin the dependencies again, with hashes
	$(BIN)/$(PIN) --all-extras --group pyproject.toml:build pyproject.toml -o requirements-dev.txt
	$(BIN)/$(PIN) --constraint requirements-dev.txt --group pyproject.toml:build -o requirements-build.txt
	$(BIN)/$(PIN) --constraint requirements-dev.txt pyproject.toml -o requirements.txt
	$(BIN)/$(PIN) --constraint requirements-dev.txt --extra functions pyproject.toml \
	  $(NOT_IN_FUNCTIONS:%=--no-emit-package %) -o lambdas/requirements.txt

clean: ## Delete everything that `make setup` and the tests created
	rm -rf $(VENV) node_modules build cdk.out .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info lambdas/*.egg-info

.PHONY: help setup demo quick test check lint types imports format stress race-matrix fuzz kill-promote bench deploy backup backup-db backup-s3 restore restore-dry tables lock clean

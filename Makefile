# ksef-courier: what a newcomer, a developer and CI run. `make help` lists it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# pip refuses anything whose hash is not in the lock file; the project itself is installed from this tree.
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes
SELF    = $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .

.DEFAULT_GOAL := help
.PHONY: help demo up down test test-unit mutants bench chaos lint format generate lock clean

help:            ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.demo: requirements-local.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what the demo needs (hashes checked) ..."
	@$(INSTALL) -r requirements-local.lock
	@$(SELF)
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing what development and tests need (hashes checked) ..."
	@$(INSTALL) -r requirements-dev.lock
	@$(SELF)
	@touch $@ $(VENV)/.demo

demo: $(VENV)/.demo   ## start everything on real parts, send the sample documents, check every outcome
	@$(BIN)/ksef-courier demo

up: $(VENV)/.demo     ## the same, left running: prints the addresses
	@$(BIN)/ksef-courier demo --keep

down: $(VENV)/.demo   ## stop what `make up` left running
	@$(BIN)/ksef-courier demo --stop

test: $(VENV)/.dev    ## every test, on a real Kafka and PostgreSQL
	@$(BIN)/python -m pytest -q -n 3 --dist worksteal tests

test-unit: $(VENV)/.dev   ## the quick ones: no server, no process, seconds
	@$(BIN)/python -m pytest -q -n 2 tests/unit tests/contract

mutants: $(VENV)/.dev    ## bugs made by hand, each of which some test must catch (MUTANT=name for one)
	@$(BIN)/python -m tests.mutants $(MUTANT)

bench: $(VENV)/.dev      ## what it costs, as ratios to what nobody can avoid; writes docs/performance.md
	@$(BIN)/python -m tests.bench --write

MINUTES   ?= 15
DOCUMENTS ?= 20000
chaos: $(VENV)/.dev   ## kill, pause and cut for MINUTES=15 while DOCUMENTS=20000 flow, then judge; SEED= repeats one
	@$(BIN)/python -m tests.chaos --minutes $(MINUTES) --documents $(DOCUMENTS) $(if $(SEED),--seed $(SEED)) \
		--report docs/reports

lint: $(VENV)/.dev    ## style, types, layers, drift of generated files
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python -m cli.contract_files --check
	@$(BIN)/python -m cli.reference --check

format: $(VENV)/.dev  ## format the code
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

generate: $(VENV)/.dev   ## write what follows from the code: schemas, AsyncAPI, reference pages, alerts, dashboard
	@$(BIN)/python -m cli.contract_files
	@$(BIN)/python -m cli.reference
	@$(BIN)/python -m cli.monitoring

LOCK = $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --quiet --no-header
lock: $(VENV)/.dev    ## write the lock files again from pyproject.toml
	$(LOCK) -o requirements.lock
	$(LOCK) --extra local -o requirements-local.lock
	$(LOCK) --all-extras -o requirements-dev.lock

clean:           ## remove the virtual environment and caches of this tree
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

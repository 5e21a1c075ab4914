# Every target makes the virtual environment and installs what it needs.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# Also for what builds the package, so that a build is the same everywhere.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test lint bench nightly wheel clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run ## Force a stuck VM off on the simulator, prove it, look at the record
	$(BIN)/vergeos-nb demo

test: $(VENV)/.dev lint ## Everything that must hold: lint, types, tests
	$(BIN)/python -m pytest -n 2 --dist worksteal --junitxml build/tests.xml

lint: $(VENV)/.dev ## Style and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

nightly: $(VENV)/.dev ## The slow sweeps, too
	HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest -m "nightly or not nightly" --timeout 3600

bench: $(VENV)/.dev ## How fast, as ratios measured side by side; CLAIMS="NAME ..." for some
	$(BIN)/python -m bench --json build/bench.json $(CLAIMS)

wheel: $(VENV)/.dev ## Build the wheel into dist/
	$(BIN)/python -m hatchling build -t wheel

clean: ## Remove what make made; records stay
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11; say PYTHON=python3.11"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || \
	  { echo "Python cannot make virtual environments; on Debian: apt-get install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.run: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --no-compile --editable .
	@touch $@

$(VENV)/.dev: $(VENV)/.made pyproject.toml constraints.txt
	$(BIN)/pip install --quiet --editable '.[test,lint]'
	@touch $@ $(VENV)/.run

# Every target makes the virtual environment and installs what it needs.
PYTHON ?= python3
VENV ?= .venv
# Pythons beside that one, for `make newer`; a path such as /opt/python3.13/bin/python3 will do, too.
NEWER ?= python3.12 python3.13
BIN := $(VENV)/bin
# Also for what builds the package, so that a build is the same everywhere.
export PIP_CONSTRAINT := $(CURDIR)/constraints.txt
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Without compiled modules each process of the tests would compile all tests anew, for five seconds.
unexport PYTHONDONTWRITEBYTECODE

CORE := $(addprefix tests/, client journal lease masking procedure/approval procedure/engine procedure/steps \
  archive/test_seal.py archive/verify golden record/test_record_folder.py runner/test_two_ways.py \
  test_canonical.py test_parameters.py)

.PHONY: help demo test newer core lint bench nightly wheel clean

help: ## Say what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

demo: $(VENV)/.run ## Force a stuck VM off on the simulator, prove it, look at the record
	$(BIN)/vergeos-nb demo

test: $(VENV)/.dev lint ## Everything that must hold: lint, types, tests
	$(BIN)/python -m pytest -n 2 --dist worksteal --junitxml build/tests.xml

newer: ## The core of the tests on each newer Python that is on this machine
	@for python in $(NEWER); do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>&1) || \
	    { echo "$$python is not here and is left out"; continue; }; \
	  echo "Python $$version"; \
	  $(MAKE) --no-print-directory core VENV=.venv-$$version PYTHON=$$python || exit 1; \
	done

# What a Python can break: the procedure, the client, the journal, records, and runs in a kernel. No browser.
core: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not nightly and not browser" $(CORE)

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
	rm -rf $(VENV) .venv-* dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

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

# Two commands matter: `make demo` and `make test`. Both make their own virtual environment in $(VENV).
# Nothing but a Python (3.11 or later, with venv) and make is needed; nothing is compiled.

PYTHON ?= python3
VENV   ?= .venv
BUDGET ?= 3m
ARGS   ?=

PYVER := $(shell $(PYTHON) -c 'import sys; print("3.%d" % sys.version_info[1] if sys.version_info[0] == 3 else "2")' 2>/dev/null)
# Older interpreters have their own pins, because the newest JAX no longer serves them.
PINS  := $(if $(filter 3.11,$(PYVER)),constraints/py311.txt,constraints/py312.txt)
BIN   := $(VENV)/bin

# pip reads the pins from here for the build of the package as well as for its dependencies.
INSTALL = PIP_CONSTRAINT=$(PINS) PIP_BUILD_CONSTRAINT=$(PINS) PIP_DISABLE_PIP_VERSION_CHECK=1 \
          $(BIN)/python -m pip install -qq -c $(PINS)

# The stamps: an environment for another Python is made anew, and a second call costs nothing.
MADE := $(VENV)/.python-$(PYVER)
CORE := $(VENV)/.installed-core
TEST := $(VENV)/.installed-test
DEV  := $(VENV)/.installed-dev

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all lint format types bench wheel clean

help:  ## say what can be made
	@echo "make WHAT [PYTHON=python3] [VENV=.venv]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1\t\2/p' Makefile | expand -t 14

demo: $(CORE)  ## fit a roster of models on the digits, rank them, write a report (BUDGET=3m)
	$(BIN)/reverie bakeoff digits --budget $(BUDGET)

test: $(TEST)  ## run the tests (ARGS go to pytest)
	$(BIN)/python -m pytest -q -n auto --dist worksteal $(ARGS)

test-all: $(TEST)  ## run the tests and train every pair of model and learner
	$(BIN)/python -m pytest -q -n auto --dist worksteal --all-pairs $(ARGS)

lint: $(DEV)  ## check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(DEV)  ## put the format right
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

types: $(DEV)  ## check the types of src and tests
	$(BIN)/mypy

bench: $(TEST)  ## run the long scientific checks in benchmarks/, one after the other
	@set -e; for file in benchmarks/*.py; do \
	  case "$$file" in benchmarks/_*|'benchmarks/*.py') continue;; esac; \
	  echo "$(BIN)/python $$file"; $(BIN)/python "$$file"; done

wheel: $(MADE)  ## build dist/reverie-*.whl
	@rm -rf dist
	PIP_CONSTRAINT=$(PINS) PIP_BUILD_CONSTRAINT=$(PINS) PIP_DISABLE_PIP_VERSION_CHECK=1 \
	  $(BIN)/python -m pip wheel -qq --no-deps --wheel-dir dist .

clean:  ## remove what was made here: the environment, caches, dist (never your runs)
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache

$(MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "Reverie needs Python 3.11 or later, and '$(PYTHON)' is not one. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
	  || { echo "'$(PYTHON)' has no venv. On Debian: apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) with Python $(PYVER)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(CORE): $(MADE) pyproject.toml $(PINS) src/reverie/version.py
	@echo "Installing Reverie and what it needs into $(VENV) (a few hundred megabytes, a minute or more)"
	@$(INSTALL) -e .
	@touch $@

$(TEST): $(CORE)
	@echo "Installing what the tests need into $(VENV)"
	@$(INSTALL) -e '.[test]'
	@touch $@

$(DEV): $(TEST)
	@echo "Installing ruff and mypy into $(VENV)"
	@$(INSTALL) -e '.[dev]'
	@touch $@

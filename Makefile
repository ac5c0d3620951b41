# Everything here sets itself up: only Python 3.11 or newer has to be there.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin

.PHONY: demo test test-all lint types check bench proof proof-full clean help

help:
	@echo 'make demo    train an example and say where its learning curve is'
	@echo 'make test    the tests (about three minutes on two cores)'
	@echo 'make test-all   the exhaustive ones that make test leaves out'
	@echo 'make check   all tests, lint and types'
	@echo 'make proof   gradients, planted bugs, numbers, hostile files, killed runs, the doctor: figures in a table'
	@echo 'make proof-full   the same with the long runs in full (hours); stores their results'
	@echo 'make bench   our engines against PyTorch, JAX, scikit-learn, NumPy (installs them)'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "chainrule needs Python 3.11 or newer; say which with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.core: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[dev]'
	@touch $@ $(VENV)/.core

$(VENV)/.peers: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[peers]'
	@touch $@ $(VENV)/.core

$(VENV)/.proof: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[proof,peers]'
	@touch $@ $(VENV)/.core $(VENV)/.dev $(VENV)/.peers

demo: $(VENV)/.core
	$(BIN)/chainrule train examples/shapes.yaml

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto -m "not exhaustive"

test-all: $(VENV)/.dev
	$(BIN)/python -m pytest -n auto -m exhaustive

# TypeScript and Biome check the modules of the inspector's page where npm is installed.
PAGE := tests/inspector/page
PAGE_TOOLS = command -v npm >/dev/null && { test -x $(PAGE)/node_modules/.bin/biome \
  || npm install --silent --no-audit --no-fund --no-package-lock --prefix $(PAGE) >/dev/null 2>&1; }
NO_PAGE_TOOLS = echo 'npm is not installed, or could install nothing: the modules of the page are not checked'

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	@if $(PAGE_TOOLS); then cd $(PAGE) && npx biome check --config-path=. . ../../../src/chainrule/inspector/page; \
	  else $(NO_PAGE_TOOLS); fi

# Courses have modules of the same names, and one is built on PyTorch, which may be absent.
types: $(VENV)/.dev
	$(BIN)/mypy
	for course in courses/*/; do $(BIN)/mypy --allow-subclassing-any "$$course" || exit 1; done
	@if $(PAGE_TOOLS); then cd $(PAGE) && npx tsc -p .; else $(NO_PAGE_TOOLS); fi

check: test test-all lint types

# What it stores is dated; the tables are made of it again with: python -m benchmarks.report
RESULTS ?= benchmarks/results/$(shell date +%F).json

bench: $(VENV)/.peers
	$(BIN)/python -m benchmarks.against_peers --json $(RESULTS)
	$(BIN)/python -m benchmarks.starting --json $(RESULTS)
	$(BIN)/python -m benchmarks.growth --json $(RESULTS)
	$(BIN)/python -m benchmarks.convolution --json $(RESULTS)
	$(BIN)/python -m benchmarks.estimators --json $(RESULTS)
	$(BIN)/python -m benchmarks.report $(RESULTS)
	$(BIN)/python -m benchmarks.letters
	$(BIN)/python -m benchmarks.images
	$(BIN)/python -m benchmarks.psu
	$(BIN)/python -m benchmarks.startup

proof: $(VENV)/.proof
	$(BIN)/python -m proof

proof-full: $(VENV)/.proof
	$(BIN)/python -m proof --full

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis runs

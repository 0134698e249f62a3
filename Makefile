# Two commands do all set-up on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt

.PHONY: demo demo-image test test-slow test-gpu check bench examples clean help

help:            ## this list
	@grep -hE '^[a-z-]+: .*##|^[a-z-]+: +##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/'

demo: $(VENV)/base.stamp  ## build a verified dataset from examples/documents and its report
	$(BIN)/sightline build documents examples/documents --out demo/documents
	$(BIN)/sightline audit demo/documents
	@echo "dataset: demo/documents    report: demo/documents/report.html"

demo-image: $(VENV)/test.stamp  ## teacher, two-step student and card on 8x8 digits; about seven minutes of one core
	$(BIN)/sightline train image digits-8 --out demo/image

test: $(VENV)/test.stamp  ## everything but slow and GPU tests
	$(BIN)/python -m pytest

test-slow: $(VENV)/test.stamp  ## the tests that take minutes
	$(BIN)/python -m pytest -m slow

test-gpu: $(VENV)/test.stamp  ## the tests that need an accelerator
	$(BIN)/python -m pytest -m gpu

check: $(VENV)/test.stamp  ## style, types, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/test.stamp  ## side by side against peers and limits; minutes
	for script in $(filter-out benchmarks/golden_%,$(wildcard benchmarks/*.py)); do echo "== $$script"; $(BIN)/python $$script || exit 1; done

examples: $(VENV)/test.stamp  ## write the example documents again
	$(BIN)/python examples/make_documents.py

clean:           ## remove what the commands above made
	rm -rf $(VENV) demo dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "sightline needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/base.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) --editable .
	@touch $@

$(VENV)/test.stamp: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(PIP) torch
	$(PIP) --editable ".[all,dev]"
	@touch $@ $(VENV)/base.stamp

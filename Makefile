# Two commands do all the set-up: `make demo` and `make test`. Both work from a clean clone.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt

.PHONY: demo test slow lint bench docs clean

demo: $(VENV)/.installed
	$(BIN)/dynlearn demo

test: $(VENV)/.tested
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	$(BIN)/pytest

slow: $(VENV)/.tested
	$(BIN)/pytest -m slow

lint: $(VENV)/.tested
	$(BIN)/ruff check --fix . && $(BIN)/ruff format . && $(BIN)/mypy

bench: $(VENV)/.tested .venv-peers/.installed
	$(PIP) -r tests/benchmarks/requirements.txt
	$(BIN)/python -m tests.benchmarks --all --write docs/benchmarks.md

.venv-peers/.installed: tests/benchmarks/peers/requirements.txt
	test -x .venv-peers/bin/python || $(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --disable-pip-version-check -q -r $<
	touch $@

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) -e ".[test]"
	touch $@

clean:
	rm -rf $(VENV) .venv-peers .jax_cache .pytest_cache .mypy_cache .ruff_cache build dist *.egg-info

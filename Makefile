# One front for all tasks; CI runs the same lines. `make` alone lists them.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3

.PHONY: help pictures install test fast slow check lint types layers docs-check site notebooks notebooks-check format propose bench clean

help:  ## list the tasks
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

install: $(BIN)/python  ## install everything, the text model included, for work on the code
	$(BIN)/pip install torch==2.13.0
	$(BIN)/pip install -e '.[all]'

test:  ## run all tests
	$(BIN)/python -m pytest

fast:  ## run the tests that take seconds
	$(BIN)/python -m pytest -m "not slow" -n auto

slow:  ## run the tests that take longer
	$(BIN)/python -m pytest -m slow

check: lint types layers docs-check  ## run every check but the tests

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

layers:
	$(BIN)/lint-imports

docs-check:  ## check that what is made from the code is up to date
	$(BIN)/python tools/make_reference.py --check
	$(BIN)/python tools/make_docs.py --check

docs:  ## make the references and schema.json anew
	$(BIN)/python tools/make_reference.py
	$(BIN)/python tools/make_docs.py

pictures:  ## take the pictures of the documentation anew
	$(BIN)/python tools/make_pictures.py

site:  ## build the documentation site into build/site; a broken link fails
	$(BIN)/mkdocs build --strict

notebooks:  ## run the notebooks and keep their outputs
	$(BIN)/python tools/run_notebooks.py

notebooks-check:  ## check that every notebook runs and is made from its text
	$(BIN)/python tools/run_notebooks.py --check

format:  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

propose:  ## run the main job on the bundled cities
	$(BIN)/twinmatch propose

bench:  ## measure the main job: time, memory, start-up
	$(BIN)/python benchmarks/main_job.py

clean:  ## remove what the tasks left
	rm -rf dist build proposal .mypy_cache .ruff_cache .pytest_cache .hypothesis

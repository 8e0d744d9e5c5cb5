# One front for all tasks; CI runs the same lines. `make` alone lists them.
VENV ?= .venv
BIN := $(VENV)/bin
PYTHON ?= python3

# Tests of the core that need no extra which minimal.txt leaves out.
MINIMAL := tests/unit/reading tests/unit/intake tests/unit/store tests/unit/facets tests/unit/exporting tests/contracts \
	tests/unit/app tests/unit/test_affinity.py tests/unit/programmes/test_twinning_rounds.py \
	tests/doors/test_api_cities.py tests/doors/test_api_proposals.py tests/doors/test_intake_commands.py

.PHONY: supply lock minimal audit sbom licences
.PHONY: help docs pictures install test fast slow check other-checks lint types layers docs-check site site-version notebooks notebooks-check format propose pythons bench clean

help:  ## list the tasks
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

install: $(BIN)/python  ## install everything, the text model included, for work on the code
	$(BIN)/pip install torch==2.13.0
	$(BIN)/pip install -e '.[all]'

test:  ## run all tests
	$(BIN)/python -m pytest

fast:  ## run the tests that take seconds: units, contracts, goldens, most of the front
	$(BIN)/python -m pytest -m "not slow" -n auto

slow:  ## run the tests that take longer
	$(BIN)/python -m pytest -m slow

check: types other-checks  ## run every check but the tests

other-checks: lint layers docs-check

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
	$(BIN)/python tools/make_scale.py --check

docs:  ## make the references and schema.json anew
	$(BIN)/python tools/make_reference.py
	$(BIN)/python tools/make_docs.py

pictures:  ## take the pictures of the documentation anew
	$(BIN)/python tools/make_pictures.py

site:  ## build the documentation site into build/site; a broken link fails
	$(BIN)/mkdocs build --strict

site-version:  ## add this version's site to the branch gh-pages, which keeps those of earlier ones
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/mike deploy --update-aliases $$($(BIN)/python -c "import twinmatch; print(twinmatch.__version__)") latest

notebooks:  ## run the notebooks and keep their outputs
	$(BIN)/python tools/run_notebooks.py

notebooks-check:  ## check that every notebook runs and is made from its text
	$(BIN)/python tools/run_notebooks.py --check

format:  ## format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

propose:  ## run the main job on the bundled cities
	$(BIN)/twinmatch propose

pythons:  ## make the same round in Python 3.11 to 3.14 and compare the bytes
	tools/pythons.sh

bench:  ## measure the main job: time, memory, start-up
	$(BIN)/python benchmarks/main_job.py

supply:  ## install what the next five need
	$(BIN)/pip install --quiet -e '.[supply]'

lock:  ## lock what is installed, with hashes; UPGRADE=1 takes what is newest
	UV=$(BIN)/uv tools/lock.sh

minimal:  ## run the tests of the core with the oldest versions that pyproject.toml promises
	$(PYTHON) -m venv build/minimal
	$(BIN)/uv pip install --quiet --python build/minimal/bin/python -r requirements/minimal.txt pytest hypothesis httpx2 jsonschema alembic
	$(BIN)/uv pip install --quiet --python build/minimal/bin/python --no-deps -e .
	build/minimal/bin/python -m pytest -m "not slow" $(MINIMAL)

audit:  ## ask for known weaknesses of what is locked; fails where the database cannot be reached
	$(BIN)/pip-audit --strict --require-hashes --disable-pip -r requirements/service.txt

sbom:  ## write the bill of materials of the service to build/sbom.json (CycloneDX)
	mkdir -p build
	$(BIN)/cyclonedx-py requirements requirements/service.txt --pyproject pyproject.toml --output-reproducible -o build/sbom.json

licences:  ## list the licence of everything that is installed; fails at one that we do not know
	$(BIN)/python tools/licences.py

clean:  ## remove what the tasks left
	rm -rf dist build proposal .mypy_cache .ruff_cache .pytest_cache .hypothesis

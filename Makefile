# Two commands need nothing but python3 (3.11 or newer, with venv) and make: `make demo` and `make test`.
# Both set up .venv on their first run, and again only when pyproject.toml or requirements.lock changes.

PYTHON ?= python3
PY := .venv/bin/python
# A copied folder has another name and sets up again: an installed command holds the path of its Python.
READY := .venv/ready-$(shell pwd | cksum | cut -d ' ' -f 1)
# Without a Python that runs (it may be a link to one that was removed) the set-up is not there, whatever the file says.
ifneq ($(shell $(PY) -c 'import pip' 2>/dev/null && echo runs),runs)
.PHONY: $(READY)
endif
CHECK := $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11 or newer; try: make PYTHON=python3.12")'

.PHONY: help demo test lint types setup lock clean

help:
	@echo 'make demo    the main job: hot-add a device to a real machine; running drivers let their BARs move'
	@echo 'make test    ruff, mypy --strict, and every test: tests/, drivers/, the examples of README.md, docs/ and the code'
	@echo 'make lint    ruff alone; make types: mypy alone'
	@echo 'make setup   .venv with the versions of requirements.lock'
	@echo 'make lock    write requirements.lock anew (needs uv)'
	@echo 'make clean   remove .venv and caches'

demo: $(READY)
	@.venv/bin/movsdk demo

test: lint types
	@echo '== pytest: tests/, drivers/, README.md, docs/ and the examples in docstrings'
	@$(PY) -m pytest -q -n 2

lint: $(READY)
	@echo '== ruff: style'
	@$(PY) -m ruff check -q .
	@$(PY) -m ruff format --check -q .

types: $(READY)
	@echo '== mypy: types'
	@$(PY) -m mypy

setup: $(READY)

$(READY): pyproject.toml requirements.lock
	@rm -f .venv/ready-*
	@$(PY) -c 'import pip' 2>/dev/null || { $(CHECK) && echo '== set-up: a Python environment in .venv' && $(PYTHON) -m venv --clear .venv; }
	@echo '== set-up: the packages of requirements.lock, and this project'
	@$(PY) -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(PY) -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

lock:
	uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes \
		--no-header --no-emit-index-url --output-file requirements.lock

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis dist

# make run | test | lint | lock | bench: each does its own set-up. Python 3.11 to 3.13.
PYTHON ?= python3
PORT ?= 8501
BIN := .venv/bin

.PHONY: run test lint lock bench

run: .venv/app  ## the app on http://localhost:8501
	$(BIN)/streamlit run app.py --server.port $(PORT)

test: .venv/dev  ## the whole suite, real Chromium included where there is one
	$(BIN)/python -m pytest

lint: .venv/dev  ## ruff, formatting included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: .venv/dev  ## every figure the README quotes, written to benchmarks/results/
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.report

lock:  ## the hashed locks, from what requirements*.in chose (needs uv)
	uv pip compile requirements.in --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.txt
	uv pip compile requirements-dev.in --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements-dev.txt

# The stamps are newer than their lock once the environment holds what it names.
.venv/app: requirements.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), f"Candor needs Python 3.11 to 3.13, this is {sys.version.split()[0]}"'
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/dev: .venv/app requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

# make run | serve | check | test | fuzz | lint | lock | bench | sbom | image: each does its own set-up.
# Python 3.11 to 3.13.
PYTHON ?= python3
PORT ?= 8501
API_PORT ?= 8600
WORKERS ?= 2
BIN := .venv/bin

# Processes that take whole files of tests in turn, so that what a file's tests share is made once.
PYTEST := $(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: run serve check test fuzz lint lock bench sbom image

run: .venv/app  ## the app on http://localhost:8501
	$(BIN)/streamlit run app.py --server.port $(PORT)

serve: .venv/app  ## the HTTP API on http://127.0.0.1:8600, for this machine alone
	$(BIN)/python -m api --port $(API_PORT)

check: lint  ## lint and the tests without trainings, whole-zoo runs and the browser
	$(PYTEST) -m "not slow and not browser"

test: .venv/dev  ## the whole suite, real Chromium included where there is one
	$(PYTEST)

fuzz: .venv/dev  ## 3,800 broken files and all that are built to be costly: none may harm the reader; minutes
	CANDOR_FUZZ=1 $(BIN)/python -m pytest tests/scans/test_fuzz.py
	$(BIN)/python -m tests.scans.fuzz --count 3800 --out benchmarks/results/fuzz.json

lint: .venv/dev  ## ruff, formatting included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: .venv/dev .venv/ray  ## takes most measurements of docs/results.md again and writes them there
	$(BIN)/python -m benchmarks
	$(BIN)/python -m benchmarks.report

sbom: .venv/dev  ## out/sbom.json (CycloneDX) and out/licences.md: every package of the app, with its licence
	mkdir -p out
	$(BIN)/cyclonedx-py requirements requirements.txt -o out/sbom.json
	$(BIN)/pip-licenses --with-urls --format=markdown --output-file out/licences.md \
	  --packages $$(sed -n 's/^\([A-Za-z0-9._-]*\)==.*/\1/p' requirements.txt | sort -u)

image:  ## takes the steps of container/Containerfile in a Debian root, and tries the app there; root only, minutes
	RECORD=benchmarks/results/image.json container/check.sh

lock:  ## the hashed locks, from what requirements*.in chose (needs uv)
	uv pip compile requirements.in --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements.txt
	uv pip compile requirements-dev.in --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements-dev.txt
	uv pip compile requirements-train.in --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements-train.txt
	uv pip compile requirements-ray.in --universal --generate-hashes --python-version 3.11 --no-emit-index-url \
	  --custom-compile-command "make lock" -o requirements-ray.txt

# The stamps are newer than their lock once the environment holds what it names.
.venv/app: requirements.txt
	$(PYTHON) -c 'import sys; assert (3, 11) <= sys.version_info < (3, 14), f"Candor needs Python 3.11 to 3.13, this is {sys.version.split()[0]}"'
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/dev: .venv/app requirements-dev.txt requirements-train.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-train.txt
	touch $@

.venv/ray: .venv/app requirements-ray.txt  ## the engine `ray` (docs/scaling.md), which neither the app nor the tests need
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-ray.txt
	touch $@

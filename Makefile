# `make` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
CORES ?= all
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
  --no-annotate --no-header

.DEFAULT_GOAL := help
.PHONY: help install demo test test-slow test-versions check format lock demo-assets bench readme docs release clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(INSTALLED)  ## set up .venv with the exact versions of requirements/

$(INSTALLED): requirements/bootstrap.txt requirements/lanzdml.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("Python 3.11 or newer is needed; name one: make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.txt
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements/lanzdml.txt
	@touch $@

demo: $(INSTALLED)  ## run the benchmark on the embedded cars: results/report.html
	$(BIN)/snakemake --cores $(CORES)
	@echo
	@cat results/tables/table2.md
	@echo "Tables and figures on one page: results/report.html   all rows: results/metrics.parquet"

test: $(INSTALLED) check  ## formatting, lint, types and all tests but the slow ones
	$(BIN)/pytest -n 2 --dist loadscope --no-loadscope-reorder

test-slow: $(INSTALLED)  ## a run that is killed twenty times, a full disk, a Slurm cluster, all pairs of edits (some 45 minutes)
	$(BIN)/pytest -n 2 --slow -m slow -rs --ignore tests/versions

test-versions: $(INSTALLED)  ## most tests with the lowest versions, and with Python 3.12 and 3.13
	$(BIN)/pytest --slow tests/versions -rs

check: $(INSTALLED)  ## formatting, lint and types only
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: $(INSTALLED)  ## format all code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/snakefmt Snakefile rules

lock: $(INSTALLED)  ## compile pyproject.toml and requirements/*.in anew
	$(COMPILE) requirements/bootstrap.in -o requirements/bootstrap.txt
	$(COMPILE) --all-extras pyproject.toml requirements/lanzdml.in -o requirements/lanzdml.txt
	$(COMPILE) --all-extras --resolution lowest-direct --upgrade \
	  pyproject.toml requirements/tests.in -o requirements/lowest.txt

demo-assets: $(INSTALLED)  ## render demo_cars and train the demo CLIPs anew (over an hour)
	$(BIN)/python -m demo_assets.build_dataset resources/demo_cars/test.parquet
	$(BIN)/python -m demo_assets.training_data build/demo_layers.npz
	for size in S M L; do \
	  $(BIN)/python -m demo_assets.train_clip resources/demo_clip/demo-$$size.json build/demo_layers.npz || exit 1; done

bench: $(INSTALLED)  ## run all benchmarks on this machine (over three hours): benchmarks/results.md, docs/scaling.png
	$(BIN)/python -m benchmarks

readme: demo  ## run the benchmark and put its table and pictures into README.md
	$(BIN)/python docs/update_readme.py

docs: $(INSTALLED)  ## write the documentation site: build/docs/index.html
	$(BIN)/sphinx-build --quiet --fail-on-warning -c docs -d build/doctrees . build/docs

release: $(INSTALLED)  ## say what keeps the current commit from being released; else build what is uploaded: build/dist
	$(BIN)/python .ci/check_release.py build/dist

clean:  ## remove results and build files, keep .venv
	rm -rf results build

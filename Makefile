# `make` alone prints what there is. Everything happens in .venv: one environment for the product, its notebooks and
# its tests, because what the tests add is a tenth of what Spark, MLflow and Airflow bring anyway.
SHELL := /bin/bash
.DEFAULT_GOAL := help

BIN := .venv/bin
DONE := .venv/.done
UV := $(BIN)/uv
LOCK := $(UV) pip compile --quiet --no-emit-index-url --generate-hashes --universal --python-version 3.11

.PHONY: help demo test setup lint types imports unit bench airflow docs format lock clean java

help:  ## what there is to type
	@grep -E '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*##/\t/' | awk -F'\t' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: setup  ## set up, generate a small world, run three nights of it and show what came out
	@$(BIN)/foryou demo

test: setup lint types imports unit  ## everything that must hold before a change goes in

setup: java $(DONE)/package  ## the environment, with pinned and hashed packages, Delta's JARs and the secret of devices
	@$(BIN)/python -m foryou.platform.fetch_jars
	@$(BIN)/python -m foryou.class_archive
	@$(BIN)/python -m foryou.secret

lint: $(DONE)/package  ## format and lint, without changing a file
	@echo "format, lint"
	@$(BIN)/ruff format --check --quiet . || { echo "these files are not formatted (make format):"; \
	  $(BIN)/ruff format --check . ; exit 1; }
	@$(BIN)/ruff check --quiet .

types: $(DONE)/package  ## type check
	@echo "types"
	@$(BIN)/mypy --no-error-summary

imports: $(DONE)/package  ## who may import whom (pyproject.toml)
	@echo "imports"
	@$(BIN)/lint-imports --no-logo --cache-dir .import_linter_cache

unit: setup  ## the tests alone; one of them: make unit ONLY=tests/test_steps.py
	@$(BIN)/python -m pytest $(ONLY)

bench: setup  ## seconds, memory and quality on 1 M and 10 M events, beside two references
	@$(BIN)/python -m tests.benchmarks.run

airflow: setup  ## Airflow on loopback with our DAGs and the demo's landing
	@$(BIN)/foryou airflow

docs: $(DONE)/package  ## write docs/tables.md and docs/how-it-ranks.md anew from contracts and settings
	@$(BIN)/python -m foryou.tables_page docs/tables.md
	@$(BIN)/python -m foryou.ranking_page docs/how-it-ranks.md

format: $(DONE)/package  ## put every file into the one format
	@$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

lock: $(DONE)/installer  ## resolve the requirements anew, with hashes; commit the result
	$(LOCK) requirements-dev.in -o requirements-dev.txt
	$(LOCK) -c requirements-dev.txt requirements.in -o requirements.txt
	$(LOCK) -c requirements-dev.txt requirements-setup.in -o requirements-setup.txt

clean:  ## remove what can be made again: the environment, the demo, caches
	rm -rf .venv demo simulations bench/work .import_linter_cache .mypy_cache .ruff_cache .hypothesis spark-warehouse
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up leaves a file behind after each part, so that the next call finds nothing to do.

java:
	@java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; \
	found=$$("$$java" -version 2>&1 | sed -nE 's/.* version "(1\.)?([0-9]+).*/\2/p' | head -n 1); \
	if [ "$${found:-0}" -lt 17 ]; then \
	  echo "Java 17 or later is needed; found $${found:-none} ($$java). Install it with"; \
	  echo "  Debian, Ubuntu:  sudo apt-get install -y openjdk-17-jre-headless"; \
	  echo "  macOS:           brew install openjdk@17 && export JAVA_HOME=\$$(brew --prefix openjdk@17)"; \
	  echo "and see that JAVA_HOME, if it is set, points to it. Then run the same command again."; \
	  exit 1; \
	fi >&2

$(BIN)/python:
	@for python in python3.11 python3; do \
	  if $$python -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' 2>/dev/null; then \
	    echo "setting up .venv with $$($$python --version)"; \
	    $$python -m venv .venv && exit 0; \
	    rm -rf .venv; \
	    echo "Python cannot make environments: sudo apt-get install -y python3-venv (Debian, Ubuntu)" >&2; \
	    exit 1; \
	  fi; \
	done; \
	echo "Python 3.11 is needed; found $$(python3 --version 2>&1). Install it with" >&2; \
	echo "  Debian 12:  sudo apt-get install -y python3 python3-venv" >&2; \
	echo "  macOS:      brew install python@3.11" >&2; \
	exit 1

$(DONE)/installer: requirements-setup.txt | $(BIN)/python
	@echo "installing uv and the build tools, pinned and hashed: a few seconds"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-setup.txt
	@mkdir -p $(DONE) && touch $@

$(DONE)/packages: requirements-dev.txt $(DONE)/installer
	@echo "installing the packages of requirements-dev.txt: about 1 GB to download the first time, 2.5 GB on the disk;"
	@echo "  then half a minute or so without a word while pyspark is built, and a minute while all is compiled"
	@set -o pipefail; $(UV) pip install --python $(BIN)/python --require-hashes --no-build-isolation --compile-bytecode \
	  -r requirements-dev.txt 2>&1 | grep --line-buffered -v '^ [+~-] '
	@touch $@

$(DONE)/package: pyproject.toml $(DONE)/packages
	@$(UV) pip install --quiet --python $(BIN)/python --no-build-isolation --no-deps --editable .
	@touch $@

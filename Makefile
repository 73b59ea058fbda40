# `make demo` and `make test` need python3 and a package index, nothing else. `make check` adds what keeps the code so.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: install demo test check lock docs messages clean lives pictures bench-drain bench-scheduler bench-pages

install: $(INSTALLED)

$(INSTALLED): pyproject.toml requirements.lock
	@echo "installing into .venv (the first time takes a minute)"
	@$(PYTHON) -m venv .venv
	@$(PIP) install --require-hashes --requirement requirements.lock
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(INSTALLED_DEV): $(INSTALLED) requirements-dev.lock
	@$(PIP) install --require-hashes --requirement requirements-dev.lock
	@touch $@

demo: $(INSTALLED)
	@$(BIN)/registration demo

# Two processes, each with servers of its own.
test: $(INSTALLED_DEV)
	$(BIN)/python -m pytest --numprocesses=2 --dist=loadgroup

check: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The guides' pictures, taken anew by the tests that follow the guides. Needs Debian's package chromium.
pictures: $(INSTALLED_DEV)
	PICTURES=1 REQUIRE_ALL=1 $(BIN)/python -m pytest tests/browser/test_guides.py

# Many random lives of the whole system, each judged by the checker. A life is its number: FIRST=17 LIVES=1.
FIRST ?= 0
LIVES ?= 100
lives: $(INSTALLED_DEV)
	$(BIN)/python -m tests.lifecycle $(FIRST) $(LIVES)

# How fast waiting requests drain through registrar, and its memory meanwhile.
bench-drain: $(INSTALLED)
	$(BIN)/python -m bench.drain 20000 200000

# What a pass of the scheduler costs over a million open registrations, and what consumers notice of it.
bench-scheduler: $(INSTALLED)
	$(BIN)/python -m bench.scheduler 1000000

# Brings the Vietnamese catalogues up to date with the templates, and prints what has no Vietnamese yet.
messages: $(INSTALLED)
	$(BIN)/python -m commands.messages

# How quickly each page answers with a million registrations stored, and what a first view of it loads.
bench-pages: $(INSTALLED_DEV)
	$(BIN)/python -m bench.pages 1000000

# The pages that are drawn from the code.
docs: $(INSTALLED)
	$(BIN)/python -m commands.lifecycle > docs/reference/lifecycle.md

clean:
	rm -rf .venv .local

# The lock files hold names, versions and hashes, and no index's address.
lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --quiet --output-file requirements-dev.lock

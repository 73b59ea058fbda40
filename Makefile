# `make demo` and `make test` need python3 and a package index, nothing else. `make check` adds what keeps the code so.
PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
INSTALLED_DEV := .venv/.installed-dev
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

# Where the environment says so, all that tests start would be compiled anew each time.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: campaigns containers cluster overload upgrade many soak bench-growth bench-scale bench bench-quick bench-latency bench-events bench-throughput install demo test check lock docs messages clean audit licences sbom mutants lives torture pictures bench-drain bench-lag bench-scheduler bench-pages chart contracts contracts-published debezium

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

# Three processes, each with servers of its own: tests wait more than they work.
PYTEST := $(BIN)/python -m pytest --numprocesses=3 --no-loadscope-reorder
CAMPAIGNS := tests/torture tests/faults tests/lifecycle

test: $(INSTALLED_DEV)
	$(PYTEST) $(CAMPAIGNS:%=--ignore=%)

# A short one of each: services killed, servers and network failing, random lives; what is left is judged.
campaigns: $(INSTALLED_DEV)
	$(PYTEST) $(CAMPAIGNS)

check: $(INSTALLED_DEV)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# The guides' pictures, taken anew by the tests that follow the guides. Needs Debian's package
# chromium-headless-shell.
pictures: $(INSTALLED_DEV)
	PICTURES=1 REQUIRE_ALL=1 $(BIN)/python -m pytest tests/browser/test_guides.py

# Many random lives of the whole system, each judged by the checker. A life is its number: FIRST=17 LIVES=1.
FIRST ?= 0
LIVES ?= 100
lives: $(INSTALLED_DEV)
	$(BIN)/python -m tests.lifecycle $(FIRST) $(LIVES)

# The services killed at every point under load, for MINUTES; what is left is judged. SEED=17 draws the same again.
torture: $(INSTALLED_DEV)
	$(BIN)/python -m tests.torture $(or $(MINUTES),30) $(SEED)

# The release before on this one's tables and events, alone and mixed with it. Needs the repository's history.
upgrade: $(INSTALLED_DEV)
	$(BIN)/python -m tests.upgrade

# docs/how-to/deploy.md's containers for real: built, started, walked through, stopped, started again. Needs a container
# engine, or root on Debian; says aloud which images of others it could not pull and stood in for. Five minutes.
containers: $(INSTALLED_DEV)
	$(BIN)/python -m tests.containers

# docs/how-to/deploy.md on Kubernetes for real: a cluster of one node is made here; the chart is installed, walked through,
# upgraded under requests, replaced by plain manifests. Needs root on Debian, and Go 1.24 or later, which builds Kubernetes
# the first time (25 minutes). Five minutes.
cluster: $(INSTALLED_DEV)
	$(BIN)/python -m tests.cluster

# Three brokers, four PostgreSQL servers, nine instances: one is killed, a broker too, all are restarted in turn.
many: $(INSTALLED_DEV)
	$(BIN)/python -m tests.many

# A steady mixed load with restarts, for MINUTES: memory, open files and tables must not grow. Writes a page with plots.
soak: $(INSTALLED_DEV)
	$(BIN)/python -m tests.torture.soak $(or $(MINUTES),45)

# Servers and the network fail one after the other under the four services, which the checker then judges. SEED=7 MINUTES=30.
faults: $(INSTALLED_DEV)
	$(BIN)/python -m tests.faults $(or $(MINUTES),10) $(or $(SEED),1)

# Five times the load that can be carried, for MINUTES; then all of it drains. Memory and the oldest wait are printed.
overload: $(INSTALLED)
	$(BIN)/python -m bench.overload $(or $(MINUTES),10)

# All comparisons in one run: ours, the floor, the naive way, other engines. Under half an hour; nothing else should run.
bench: $(INSTALLED_DEV)
	$(BIN)/python -m bench

# The same with few, once, and without the other engines: a few minutes.
bench-quick: $(INSTALLED_DEV)
	$(BIN)/python -m bench --quick

# What a registration costs with 100,000, a million and ten million stored. An hour or so, and 60 GB of disk.
bench-growth: $(INSTALLED_DEV)
	$(BIN)/python -m bench.growth 100000 1000000 10000000

# What more instances of each service cost, and how they share the work; the rate of one relay.
bench-scale: $(INSTALLED_DEV)
	$(BIN)/python -m bench.scale 1 2 4
	$(BIN)/python -m bench.relaying 50000

# How long people wait at 10, 100 and 500 registrations a second, with every mail and every page.
bench-latency: $(INSTALLED_DEV)
	$(BIN)/python -m bench.latency

# Registrations a second from request to approval, through the events of the four services.
bench-events: $(INSTALLED)
	$(BIN)/python -m bench.events 20000 100000

# The same with every mail sent, every link opened and posted, every case approved on its page; judged by the checker.
bench-throughput: $(INSTALLED_DEV)
	$(BIN)/python -m bench.throughput 2000 5000

# How fast waiting requests drain through registrar, and its memory meanwhile.
bench-drain: $(INSTALLED)
	$(BIN)/python -m bench.drain 20000 200000

# The same with a lag of a million messages, in a few minutes: memory must not grow with it.
bench-lag: $(INSTALLED)
	$(BIN)/python -m bench.drain 1000000

# What a pass of the scheduler costs over a million open registrations, and what consumers notice of it.
bench-scheduler: $(INSTALLED)
	$(BIN)/python -m bench.scheduler 1000000

# Debezium in place of a service's relay (deploy/debezium), tried on real servers. Needs Maven for the jars.
debezium: $(INSTALLED_DEV)
	$(BIN)/python -m tests.debezium

# Brings the Vietnamese catalogues up to date with the templates, and prints what has no Vietnamese yet.
messages: $(INSTALLED)
	$(BIN)/python -m commands.messages

# How quickly each page answers with a million registrations stored, and what a first view of it loads.
bench-pages: $(INSTALLED_DEV)
	$(BIN)/python -m bench.pages 1000000

# The pages that are drawn from the code.
docs: $(INSTALLED_DEV)
	$(BIN)/python -m commands.lifecycle > docs/reference/lifecycle.md
	$(BIN)/python -m commands.references settings > docs/reference/settings.md
	$(BIN)/python -m commands.references commands > docs/reference/commands.md
	$(BIN)/python -m bench.capacity > docs/reference/capacity.md

# The Helm chart, rendered for those without Helm and for the tests. Needs helm 3 on PATH.
chart: $(INSTALLED_DEV)
	@$(BIN)/python -m tests.deploy.chart

# The AsyncAPI document and the JSON Schemas, from the events and topics. Fails where they break v1 as last published.
contracts: $(INSTALLED)
	$(BIN)/python -m commands.contracts

# At a release: what is published now is what later releases must keep.
contracts-published: $(INSTALLED)
	$(BIN)/python -m commands.contracts publish

# Known vulnerabilities of what is locked. Says aloud what could not be asked.
audit: $(INSTALLED_DEV)
	@$(BIN)/python -m supply.audit

# Every part of others with its licence; fails on one that supply/licences.toml does not accept.
licences: $(INSTALLED_DEV)
	@$(BIN)/python -m supply.licences > docs/reference/licences.md
	@cat docs/reference/licences.md

# The bill of materials (CycloneDX): Python packages, jars, vendored files.
sbom: $(INSTALLED_DEV)
	@mkdir -p .local
	@$(BIN)/python -m supply.sbom > .local/sbom.cdx.json
	@echo ".local/sbom.cdx.json: $$(grep -c '"bom-ref"' .local/sbom.cdx.json) components, valid CycloneDX 1.6"

# Small changes of the decisions, each of which a test must notice. Takes a few minutes.
mutants: $(INSTALLED_DEV)
	@$(BIN)/python -m tests.mutants

clean:
	rm -rf .venv .local

# The lock files hold names, versions and hashes, and no index's address.
lock:
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-header --quiet --output-file requirements-dev.lock

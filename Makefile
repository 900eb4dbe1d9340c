# A fresh machine needs Python 3.11 or newer, make and git; all else is installed into this folder, hash-checked.
# PYTHON=/path/to/python3 says which Python makes .venv; ARGS='...' goes to what a target runs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
.PHONY: help demo demo-replicas test test-slow house bench soak interop check lint types drift tracked locks examples wheel deployment licences audit sbom site changes properties fmt schema settings lock clean

BIN := .venv/bin
RUN := .venv/.run
DEV := .venv/.dev
ASSETS := gateway/web/static/THIRD-PARTY-LICENSES.txt
INTEROP := $(patsubst %,%/node_modules/.package-lock.json,tests/interop tests/federation examples/supergraph)
SHIP := deploy/node_modules/.package-lock.json
DOCS := .tools/docs/.made
BOOTSTRAP = @python=$$(PYTHON='$(PYTHON)' tools/find-python) && exec "$$python" tools/bootstrap.py

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-13s %s\n", $$1, $$2 }' Makefile

demo: $(RUN) $(ASSETS) ## the gateway over emulated upstreams, with GraphiQL; ends on Ctrl-C
	@exec $(BIN)/meeting-gateway demo $(ARGS)

demo-replicas: $(DEV) $(ASSETS) ## the same with three gateways behind one address, sharing a real Redis
	@exec $(BIN)/python tools/demo_replicas.py $(ARGS)

test: $(DEV) $(ASSETS) ## the tests, in a few minutes on every core; those marked slow are left to `make test-slow`
	@exec $(BIN)/pytest --numprocesses auto --dist loadfile -m 'not slow' $(ARGS)

test-slow: $(DEV) $(ASSETS) ## the tests that take long: storms, restarts, whole worlds
	@exec $(BIN)/pytest --numprocesses auto --dist loadfile -m slow $(ARGS)

house: $(DEV) ## the structure of gateway/: sizes, import circles, names; ARGS=--check: fails over a bound
	@$(BIN)/python tools/house.py $(ARGS)

bench: $(DEV) $(ASSETS) ## every benchmark beside its peers, about a quarter of an hour; ARGS=--quick: for a moment each
	@exec $(BIN)/python -m benchmarks.run $(ARGS)

soak: $(DEV) ## ten minutes of mixed queries while the vendors fail: nothing may grow; ARGS='--minutes 60': longer
	@exec $(BIN)/python -m benchmarks.soak $(ARGS)

interop: $(INTEROP) ## what the tests with browsers, and others' clients and routers, need of npm; else they are skipped

check: lint types drift tracked locks test test-slow ## every gate that needs no clean machine

lint: $(DEV) ## format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(DEV) ## mypy --strict
	@$(BIN)/mypy

drift: $(DEV) ## whether schema.graphql is what the code says
	@$(BIN)/meeting-gateway schema --check schema.graphql

tracked: $(DEV) ## whether a tracked file names a place of one machine
	@$(BIN)/python tools/tracked.py

locks: $(DEV) ## whether the locks are what pyproject.toml and package.json ask for
	@$(BIN)/python tools/locks.py check

examples: $(DEV) $(ASSETS) ## what README and docs/ say, executed
	@$(BIN)/pytest tests/docs

wheel: $(DEV) $(ASSETS) ## the built package, installed into a clean environment and run
	@$(BIN)/python -m tools.wheel

deployment: $(SHIP) ## the files of deploy/, each by a linter of its kind
	@$(BIN)/python tools/ship.py deployment

licences: $(DEV) ## the licence of every package in the image
	@$(BIN)/python tools/ship.py licences

audit: $(SHIP) ## known vulnerabilities of those packages; asks the package index
	@$(BIN)/python tools/ship.py audit

sbom: $(SHIP) ## dist/sbom.json, the image's bill of materials (CycloneDX)
	@$(BIN)/python tools/ship.py sbom

site: $(DOCS) $(DEV) ## the documentation as a site, in dist/site
	@$(BIN)/python -m tools.reference
	@NO_MKDOCS_2_WARNING=1 .tools/docs/bin/mkdocs build --strict --quiet

changes: $(DEV) ## what breaks in the schema since the last tag, unless the changelog names it
	@$(BIN)/python tools/schema_changes.py

properties: $(DEV) ## the proof by properties, counted and timed; ARGS=nightly: 500,000 new cases
	@$(BIN)/python tools/properties.py $(or $(ARGS),ci)

fmt: $(DEV) ## formats, and mends what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

schema: $(DEV) ## writes schema.graphql
	@$(BIN)/meeting-gateway schema > schema.graphql.part || { rm schema.graphql.part; exit 1; }
	@mv schema.graphql.part schema.graphql

settings: $(DEV) ## writes docs/settings.md
	@$(BIN)/python -m tools.settings_page

lock: ## resolves every lock anew; ARGS=--upgrade also lifts what still fits
	$(BOOTSTRAP) lock $(ARGS)

clean: ## removes everything that make has made
	rm -rf .venv .tools node_modules */node_modules */*/node_modules docs/reference gateway/web/static dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(RUN): requirements/run.txt pyproject.toml tools/bootstrap.py
	$(BOOTSTRAP) run

$(DEV): requirements/dev.txt pyproject.toml tools/bootstrap.py
	$(BOOTSTRAP) dev

$(ASSETS): package-lock.json .npmrc tools/explorer_files.py | $(RUN)
	$(BOOTSTRAP) assets

$(SHIP): deploy/package-lock.json requirements/ship.txt | $(DEV)
	$(BOOTSTRAP) ship
	@touch $@

$(DOCS): requirements/docs.txt
	$(BOOTSTRAP) docs
	@touch $@

$(INTEROP): $(patsubst %,%/package-lock.json,tests/interop tests/federation examples/supergraph)
	$(BOOTSTRAP) interop
	@touch $(INTEROP)

# A fresh machine needs Python 3.11 or newer, make and git; all else is installed into this folder, hash-checked.
# PYTHON=/path/to/python3 says which Python makes .venv; ARGS='...' goes to what a target runs.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.SUFFIXES:
.PHONY: help demo demo-replicas agenda agenda-build test test-slow house bench soak interop check lint types drift tracked locks examples wheel deployment licences audit sbom image site changes properties fmt schema settings lock clean

TAG ?= meeting-gateway:0.1.0
BIN := .venv/bin
RUN := .venv/.run
DEV := .venv/.dev
ASSETS := gateway/web/static/THIRD-PARTY-LICENSES.txt
INTEROP := $(patsubst %,%/node_modules/.package-lock.json,tests/interop tests/federation examples/supergraph)
AGENDA := examples/agenda/node_modules/.package-lock.json
SHIP := deploy/node_modules/.package-lock.json
DOCS := .tools/docs/.made
BOOTSTRAP = @python=$$(PYTHON='$(PYTHON)' tools/find-python) && exec "$$python" tools/bootstrap.py

##@ Use it

demo: $(RUN) $(ASSETS) ## the gateway over emulated upstreams, with GraphiQL; ends on Ctrl-C
	@exec $(BIN)/meeting-gateway demo $(ARGS)

demo-replicas: $(DEV) $(ASSETS) ## the same with three gateways behind one address, sharing a real Redis
	@exec $(BIN)/python tools/demo_replicas.py $(ARGS)

agenda: $(RUN) $(ASSETS) $(AGENDA) ## a page of one's own over the demo: Vite, React, TypeScript; changes show at once, Ctrl-C ends it
	@exec $(BIN)/python tools/agenda.py dev

agenda-build: $(RUN) $(AGENDA) ## the same page, built; the demo then serves it at /agenda
	@$(BIN)/python tools/agenda.py build

site: $(DOCS) $(DEV) ## the documentation as a site, in dist/site
	@$(BIN)/python -m tools.reference
	@NO_MKDOCS_2_WARNING=1 .tools/docs/bin/mkdocs build --strict --quiet
	@echo "The site is in dist/site: open $(CURDIR)/dist/site/index.html"

help: ## this list
	@awk -F ':.*## ' '/^##@ / { printf "\n%s\n", substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

##@ Develop

test test-slow: export PYTHONDONTWRITEBYTECODE := # compiled once, not in every process that a test starts

test: $(DEV) $(ASSETS) ## the tests, at most four minutes of CPU; those marked slow are left to `make test-slow`
	@exec $(BIN)/pytest --numprocesses auto --dist loadfile -m 'not slow' $(ARGS)

test-slow: $(DEV) $(ASSETS) ## the tests that take long: storms, restarts, whole worlds
	@exec $(BIN)/pytest --numprocesses auto --dist loadfile -m slow $(ARGS)

check: lint types drift tracked locks test test-slow ## every gate that needs no clean machine

fmt: $(DEV) ## formats, and mends what can be mended
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

lint: $(DEV) ## format and lint
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .

types: $(DEV) ## mypy --strict
	@$(BIN)/mypy

schema: $(DEV) ## writes schema.graphql
	@$(BIN)/meeting-gateway schema > schema.graphql.part || { rm schema.graphql.part; exit 1; }
	@mv schema.graphql.part schema.graphql

settings: $(DEV) ## writes docs/settings.md
	@$(BIN)/python -m tools.settings_page

drift: $(DEV) ## whether schema.graphql is what the code says
	@$(BIN)/meeting-gateway schema --check schema.graphql

locks: $(DEV) ## whether the locks are what pyproject.toml and package.json ask for
	@$(BIN)/python tools/locks.py check

tracked: $(DEV) ## whether a tracked file names a place of one machine
	@$(BIN)/python tools/tracked.py

examples: $(DEV) $(ASSETS) ## what README and docs/ say, executed
	@$(BIN)/pytest tests/docs

interop: $(INTEROP) $(AGENDA) ## what the tests with browsers, and others' clients and routers, need of npm; else they are skipped

properties: $(DEV) ## the proof by properties, counted and timed; ARGS=nightly: 200,000 new cases, an hour of CPU
	@$(BIN)/python tools/properties.py $(or $(ARGS),ci)

house: $(DEV) ## the structure of gateway/: sizes, import circles, names; ARGS=--check: fails over a bound
	@$(BIN)/python -m tools.house $(ARGS)

bench: $(DEV) $(ASSETS) ## every benchmark beside its peers, about a quarter of an hour; ARGS=--quick: for a moment each
	@exec $(BIN)/python -m benchmarks.run $(ARGS)

soak: $(DEV) ## ten minutes of mixed queries while the vendors fail: nothing may grow; ARGS='--minutes 60': longer
	@exec $(BIN)/python -m benchmarks.soak $(ARGS)

lock: ## resolves every lock anew; ARGS=--upgrade also lifts what still fits
	$(BOOTSTRAP) lock $(ARGS)

clean: ## removes everything that make has made
	rm -rf .venv .tools node_modules */node_modules */*/node_modules docs/reference gateway/web/static dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

##@ Release

wheel: $(DEV) $(ASSETS) ## the built package, installed into a clean environment and run
	@$(BIN)/python -m tools.wheel

image: ## the container image, where docker or podman is; TAG=images.example.com/meeting-gateway:0.1.0 names it
	@engine=$$(command -v docker || command -v podman) || { echo "make image needs docker or podman" >&2; exit 1; }; \
	exec "$$engine" build --file deploy/Containerfile --tag $(TAG) .

changes: $(DEV) ## what breaks in the schema since the last tag, unless the changelog names it
	@$(BIN)/python tools/schema_changes.py

deployment: $(SHIP) ## the files of deploy/, each by a linter of its kind
	@$(BIN)/python tools/ship.py deployment

licences: $(DEV) ## the licence of every package in the image
	@$(BIN)/python tools/ship.py licences

audit: $(SHIP) ## known vulnerabilities of those packages; asks the package index
	@$(BIN)/python tools/ship.py audit

sbom: $(SHIP) ## dist/sbom.json, the image's bill of materials (CycloneDX)
	@$(BIN)/python tools/ship.py sbom

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

$(AGENDA): examples/agenda/package-lock.json
	$(BOOTSTRAP) agenda
	@touch $@

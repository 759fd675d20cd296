# Every target works on a fresh machine with Python 3.11 or newer; `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
BUILDER := go.opentelemetry.io/collector/cmd/builder@v0.149.0
SLOTH_VERSION := v0.16.0
.DEFAULT_GOAL := help
CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/vitrine
# The Collector's binary is outside the repository, in a folder named after its manifest's checksum.
OTELCOL ?= $(CACHE)/collector/$(firstword $(shell cksum < collector/manifest.yaml))/otelcol
SLOTH ?= $(CACHE)/sloth/$(SLOTH_VERSION)/sloth
.PHONY: help run observe mcp test test-lasting test-mlflow test-stock test-upstream collector sloth up down logs smoke teacher traffic check check-scripts platforms format drill drills bench figures lock docs pictures clean
COMPOSE := docker compose

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-13s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

override OBSERVATORY := $(if $(filter 0 no false off,$(OBSERVATORY)),0,$(if $(filter 1 yes true on,$(OBSERVATORY)),,$(OBSERVATORY)))
ifneq ($(filter-out 0,$(OBSERVATORY)),)
$(error OBSERVATORY must be yes or no, not $(OBSERVATORY))
endif
ifneq ($(filter-out 1,$(COLLECTOR))$(and $(COLLECTOR),$(filter 0,$(OBSERVATORY))),)
$(error COLLECTOR must be 1 or unset, and needs the observatory)
endif
ifeq ($(OBSERVATORY),0)
run: $(VENV)/.run ## set everything up and serve on http://127.0.0.1:8000
	@exec $(BIN)/python -m app serve
else
run: $(VENV)/.observatory $(if $(filter 1,$(COLLECTOR)),$(OTELCOL))
	@exec $(BIN)/python -m observatory beside $(if $(filter 1,$(COLLECTOR)),--collector $(OTELCOL)) $(if $(RUN),--run '$(RUN)') \
	  -- $(BIN)/python -m app serve
endif

mcp: $(VENV)/.mcp ## install what an assistant needs to ask the observatory, and print how to register it
	@echo '{"mcpServers": {"vitrine": {"command": "$(abspath $(BIN))/python", "args": ["-m", "observatory", "mcp"], "env": {"PYTHONPATH": "$(CURDIR)"}}}}'

observe: $(VENV)/.observatory ## run the observatory alone, to look at what is stored
	@exec $(BIN)/python -m observatory serve

test: $(VENV)/.dev ## run the tests, except the slow ones
	@$(BIN)/pytest -n auto --dist worksteal -m "not lasting"

test-lasting: $(VENV)/.dev $(OTELCOL) ## run the slow tests: browser, Collector, backends, processes that are killed
	@OTELCOL=$(OTELCOL) SLOTH=$(wildcard $(SLOTH)) $(BIN)/pytest -n 4 --dist worksteal -m lasting

test-mlflow: $(VENV)/.dev $(CACHE)/mlflow/bin/mlflow ## run the tests with a real MLflow server (in an environment of its own; some minutes)
	@OTELCOL=$(wildcard $(OTELCOL)) $(BIN)/pytest -n 0 -m lasting tests/stack/test_mlflow_runs.py tests/stack/test_backends_mlflow.py

$(CACHE)/mlflow/bin/mlflow: | $(VENV)/bin/python
	@echo "installing MLflow into $(CACHE)/mlflow ..."
	@$(PYTHON) -m venv $(CACHE)/mlflow && $(CACHE)/mlflow/bin/pip install --quiet 'mlflow>=3.17' || { rm -rf $(CACHE)/mlflow; exit 1; }

test-stock: $(VENV)/.dev ## run the tests of telemetry on the stock OpenTelemetry SDK
	@TEST_SDK=stock $(BIN)/pytest -n auto --dist worksteal tests/telemetry

test-upstream: $(VENV)/.dev ## run OpenTelemetry's own tests on quick_otel
	@$(BIN)/python tests/quick_otel/upstream.py --tb=short

collector: $(OTELCOL) ## build the Collector, once (needs Go 1.25 or newer; some minutes)

sloth: $(SLOTH) ## build Sloth, once, to compare its SLO rules with ours (needs Go 1.25 or newer)

# A clear message if Docker Compose is missing, instead of docker's "unknown command".
.PHONY: compose
compose:
	@$(COMPOSE) version >/dev/null 2>&1 || { echo "Docker Compose not found: the stack needs Docker with Compose 2.24 or newer. \`make run\` needs neither."; exit 1; }

up: compose .env ## start the whole stack in containers (6 GB of memory), with generated secrets, and print its addresses
	@REVISION=$$(git rev-parse HEAD 2>/dev/null) $(COMPOSE) up --build --detach
	@$(COMPOSE) up --detach --no-deps --no-recreate --wait --wait-timeout 120 app otel-collector
	@id=$$($(COMPOSE) ps --all --quiet signoz-provisioner 2>/dev/null); [ -z "$$id" ] || [ "$$(docker wait $$id)" = 0 ] \
	  || { $(COMPOSE) logs signoz-provisioner; echo "SigNoz was not set up: see its log above, then run: make up"; exit 1; }
	@port() { sed -n "s/^$$1=//p" .env; }; \
	  echo "Vitrine: http://localhost:$$(port APP_PORT)  SigNoz: http://localhost:$$(port SIGNOZ_PORT), as $$(port SIGNOZ_EMAIL) with SIGNOZ_PASSWORD of .env"

down: compose ## stop the stack and keep its data (`docker compose down --volumes` removes it)
	@$(COMPOSE) --profile '*' down

logs: compose ## follow the logs of the stack
	@$(COMPOSE) logs --follow --tail 100

smoke: ## send one request to the running service, and read back its trace, logs and metrics
	@$(PYTHON) tests/stack/smoke.py

# Keeps the values in .env; adds missing ones from .env.example, and generates missing secrets.
.PHONY: .env
.env:
	@umask 077; touch .env; awk -F= ' \
	  function secret() { command = "od -An -N24 -tx1 /dev/urandom"; text = ""; \
	    while ((command | getline line) > 0) text = text line; close(command); \
	    gsub(/ /, "", text); if (length(text) != 48) exit 1; return text "Aa1_" } \
	  FILENAME == ".env" { if ($$0 ~ /^[A-Z_]+=./) { has[$$1] = $$0; order[++count] = $$1 } next } \
	  !/^[A-Z_]+=/ { print; next } \
	  $$1 in has { print has[$$1]; delete has[$$1]; next } \
	  { print (/=$$/ ? $$0 secret() : $$0) } \
	  END { for (each = 1; each <= count; each++) if (order[each] in has) print has[order[each]] }' \
	  .env .env.example > .env.new && mv .env.new .env

teacher: $(VENV)/.teacher ## install the transformer that a query encoder learns from (84 MB)

traffic: $(VENV)/.run ## simulate users for 10 minutes (RATE= requests/s, SECONDS=, DAY=, PROFILE=, HOST=)
	@$(BIN)/python -m benchmarks.traffic --rate $(or $(RATE),5) --seconds $(or $(SECONDS),600) --day $(or $(DAY),600) \
	  $(foreach each,$(PROFILE),--profile $(each)) --host $(or $(HOST),http://127.0.0.1:8000)

drill: $(VENV)/.dev ## practise one fault: FAULT=wikipedia-empty (two minutes; prints what diagnose says)
	@$(BIN)/python -m benchmarks.drills --fault $(or $(FAULT),wikipedia-empty) --seconds $(or $(WINDOW),20)

drills: $(VENV)/.dev ## practise all faults, and print how often diagnose names the cause (hours; WINDOW=, SEEDS=, LANES=)
	@$(BIN)/python -m benchmarks.drills --seconds $(or $(WINDOW),60) --seeds $(or $(SEEDS),3) --lanes $(or $(LANES),1)

check: $(VENV)/.dev ## style, format, types, generated pages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m app settings | diff docs/settings.md - || { echo "docs/settings.md is stale: make docs"; exit 1; }
	@$(BIN)/python -m app vocabulary | diff docs/telemetry.md - || { echo "docs/telemetry.md is stale: make docs"; exit 1; }
	@folder=$$(mktemp -d) && trap 'rm -r $$folder' EXIT && $(BIN)/python -m app vocabulary --weaver $$folder \
	  && diff -r docs/registry $$folder || { echo "docs/registry is stale: make docs"; exit 1; }
	@$(BIN)/check-jsonschema --quiet --schemafile tests/telemetry/weaver/semconv.schema.json \
	  $(filter-out %/manifest.yaml,$(wildcard docs/registry/*.yaml))
	@$(BIN)/python -m observatory settings | diff docs/observatory.md - || { echo "docs/observatory.md is stale: make docs"; exit 1; }
	@$(BIN)/python -m collector.merging signoz | diff signoz/otel-collector.yaml - || { echo "signoz/otel-collector.yaml is stale: make docs"; exit 1; }
	@$(BIN)/python -m slo --check
	@$(BIN)/python -m benchmarks.figures --check
	@$(BIN)/hadolint Dockerfile
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml
	@$(BIN)/yamllint --strict -d '{extends: default, rules: {line-length: disable, document-start: disable, braces: {max-spaces-inside: 1}, truthy: {check-keys: false}, comments: {min-spaces-from-content: 1}}}' \
	  docker-compose.yml otel-collector-config.yaml collector slo
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory check-scripts; \
	  elif [ -n "$$CI" ]; then echo "no npm here: the pages' scripts can't be checked (Node.js 20.19 or newer)"; exit 1; \
	  else echo "no npm here: the pages' scripts are not checked"; fi
	@if $(COMPOSE) version >/dev/null 2>&1; then $(COMPOSE) --env-file /dev/null config --quiet; \
	  else echo "Docker Compose not found: docker-compose.yml is checked against its schema only"; fi

check-scripts: javascript/node_modules/.installed ## types and style of the pages' scripts (needs Node.js)
	@cd javascript && npm run --silent check

javascript/node_modules/.installed: javascript/package-lock.json
	@cd javascript && npm ci --silent --no-audit --no-fund && touch node_modules/.installed

platforms: $(VENV)/.dev ## find a wheel of every locked requirement for Linux (amd64, arm64) and macOS (arm64)
	@target=$$(mktemp -d); trap 'rm -rf "$$target"' EXIT; \
	for platform in x86_64-manylinux_2_28 aarch64-manylinux_2_28 aarch64-apple-darwin; do \
	  for each in run-3.11 observatory-3.11 mcp-3.11 dev-3.13 run-3.14 observatory-3.14; do \
	    $(BIN)/uv pip install --dry-run --quiet --no-deps --require-hashes --only-binary :all: --target "$$target" \
	      --python-platform $$platform --python-version $${each##*-} -r requirements/$${each%-*}.txt \
	      || { echo "requirements/$${each%-*}.txt has no wheels for $$platform, Python $${each##*-}"; exit 1; }; done; done

format: $(VENV)/.dev ## fix style and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(VENV)/.dev ## measure quality and speed (about 15 minutes; tables and benchmarks/results/*.json)
	@$(BIN)/python -m benchmarks.quality
	@$(BIN)/python -m benchmarks.relevance
	@$(BIN)/python -m benchmarks.importing
	@$(BIN)/python -m benchmarks.serving
	@$(BIN)/python -m benchmarks.overload
	@$(BIN)/python -m benchmarks.telemetry
	@$(BIN)/python -m benchmarks.sdk
	@$(BIN)/python -m benchmarks.observatory
	@$(BIN)/python -m benchmarks.comparison
	@$(if $(wildcard $(OTELCOL)),OTELCOL=$(OTELCOL) $(BIN)/python -m benchmarks.collector,echo "Collector not found; build it: make collector")
	@$(BIN)/python -m benchmarks.sizes
	@$(BIN)/python -m benchmarks.watch
	@$(BIN)/python -m benchmarks.feedback

figures: $(VENV)/.dev ## take the results of make bench over into docs/figures and docs/performance.md
	@$(BIN)/python -m benchmarks.figures --take

lock: $(VENV)/.dev ## resolve requirements again from pyproject.toml
	@cd requirements && for extra in run observatory mcp teacher dev; do case $$extra in \
	  run) extras= ;; dev) extras="--extra observatory --extra mcp --extra dev" ;; *) extras="--extra $$extra" ;; esac; \
	  ../$(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --quiet $$extras ../pyproject.toml -o $$extra.txt; done

docs: $(VENV)/.dev ## regenerate the generated files
	@$(BIN)/python -m app settings > docs/settings.md
	@$(BIN)/python -m app vocabulary > docs/telemetry.md
	@$(BIN)/python -m app vocabulary --weaver docs/registry
	@$(BIN)/python -m observatory settings > docs/observatory.md
	@$(BIN)/python -m collector.merging signoz > signoz/otel-collector.yaml
	@$(BIN)/python -m slo
	@$(BIN)/python -m benchmarks.figures

pictures: $(VENV)/.dev ## take the pictures of the documents again (needs Chromium; twenty minutes)
	@$(BIN)/python -m docs.pictures

clean: ## remove the virtual environment and caches (not the data)
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(OTELCOL): | collector/manifest.yaml
	@command -v go >/dev/null || { echo "Go not found. The Collector is built with Go 1.25 or newer: install it, or name a binary: make $(firstword $(MAKECMDGOALS)) OTELCOL=/path/to/otelcol"; exit 1; }
	@echo "building the Collector into $(@D) ..."
	@set -e; here=$$(pwd); work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; cp collector/manifest.yaml "$$work"; cd "$$work"; \
	  GOFLAGS=-mod=mod CGO_ENABLED=0 go run $(BUILDER) --config manifest.yaml >build.log 2>&1 || { cat build.log; exit 1; }; \
	  mkdir -p "$(@D)"; mv build/otelcol "$@.new"; mv "$@.new" "$@"

$(SLOTH):
	@command -v go >/dev/null || { echo "Go not found. Sloth is built with Go 1.25 or newer: install it, or name a binary: make $(firstword $(MAKECMDGOALS)) SLOTH=/path/to/sloth"; exit 1; }
	@echo "building Sloth into $(@D) ..."
	@set -e; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	  GOBIN="$$work" GOFLAGS= CGO_ENABLED=0 go install -ldflags='-s -w' github.com/slok/sloth/cmd/sloth@$(SLOTH_VERSION) 2>"$$work/build.log" || { cat "$$work/build.log"; exit 1; }; \
	  mkdir -p "$(@D)"; mv "$$work/sloth" "$@.new"; mv "$@.new" "$@"

$(VENV)/bin/python:
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) not found. Install Python 3.11 or newer, or name one: make run PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "$$($(PYTHON) --version) is too old: Vitrine needs 3.11 or newer. Name another: make run PYTHON=python3.12"; exit 1; }
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) can't make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }

$(VENV)/.%: requirements/%.txt | $(VENV)/bin/python
	@echo "installing requirements ($*) into $(VENV): a minute or two ..."
	@$(BIN)/python requirements/install.py $<
	@touch $@

# Everything a developer runs, by one name each. `make` alone lists the targets.
#
# All that is needed is make and Python 3.11 or newer: the first target that is run makes an
# environment in .venv, and does it again when pyproject.toml changes. With PYTHON=python3.13 the
# same targets run on that interpreter, in an environment of its own (.venv-3.13).

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

ifdef PYTHON
  base_python := $(shell tools/find-python '$(PYTHON)')
  ifeq ($(base_python),)
    $(error stopped)
  endif
  VENV ?= .venv-$(shell $(base_python) -c 'import sys; print("%d.%d" % sys.version_info[:2])')
else
  VENV ?= .venv
endif

python := $(VENV)/bin/python
# Two steps, so that the demo need not wait for the developers' tools.
installed := $(VENV)/.installed
installed_dev := $(VENV)/.installed-dev

# Further arguments for pytest or a benchmark: make test ARGS="tests/abi -k tuple"
ARGS ?=

# Tests run in two processes a core, since they wait a lot, and the longest files first (tests/support/order.py).
# A file's tests stay together, since they may share a server.
# With WORKERS=0 they run in one process, as a debugger needs it.
WORKERS ?= auto
pytest := tools/clean-environment $(python) -m pytest --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder

# Per cent of lines and branches in `_core` and `abi`.
COVERAGE_FLOOR ?= 94

.PHONY: help
help: ## this list
	@awk 'BEGIN { FS = ":.*## " } \
	  /^## / { printf "\n%s\n", substr($$0, 4) } \
	  /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@printf '\nPYTHON=python3.13 runs any of them on another interpreter, ARGS="…" hands on arguments.\n'

## Use it

.PHONY: demo env
demo: $(installed) ## watch events arrive: embedded chain; NODE=anvil: a real node; RPC=https://… CHAIN=1: yours
	@$(python) -m event_streamer_sdk.cli demo $(if $(NODE),--node '$(NODE)') $(if $(RPC),--rpc '$(RPC)') $(if $(CHAIN),--chain '$(CHAIN)') $(ARGS)

env: $(installed_dev) ## the developers' environment alone (.venv)

## Test it

.PHONY: test test-quick test-uvloop test-delays coverage check
test: $(installed_dev) ## every test
	$(pytest) $(ARGS)

test-quick: $(installed_dev) ## a representative part of the tests, in a minute or two
	$(pytest) -m quick $(ARGS)

test-uvloop: $(installed_dev) ## the quick tests of the clients with uvloop's event loops
	EVENT_LOOP=uvloop $(pytest) -m quick tests/rest tests/stream $(ARGS)

test-delays: $(installed_dev) ## every test with random delays where threads and tasks hand over: SEED=2
	DELAYS=$(or $(SEED),1) $(pytest) $(ARGS)

coverage: $(installed_dev) ## how much of the core and of the ABI part the quick tests reach; fails below the floor
	$(pytest) -m quick tests/abi tests/rest tests/simulation tests/stream tests/workers \
	  --cov --cov-report=term --cov-fail-under=$(COVERAGE_FLOOR) $(ARGS)

check: $(installed_dev) ## format, lint, types, house rules, and generated code as the spec gives it
	$(python) -m ruff format --check .
	$(python) -m ruff check .
	$(python) -m mypy
	$(python) generator/generate.py --check
	$(python) generator/twins.py --check
	$(python) -m pytest -q tests/test_architecture.py tests/docs/test_public_names.py

.PHONY: verify-types
verify-types: $(installed_dev) ## pyright's verdict on the package's types: every public name's type is declared
	$(python) -m pytest -q tests/packaging/test_types.py -k public_type_is_declared $(ARGS)

## Change it

.PHONY: format generate contracts
format: $(installed_dev) ## put the code into the house's format
	$(python) -m ruff check --fix .
	$(python) -m ruff format .

generate: $(installed_dev) ## write generated/ and the blocking clients; SPEC=path/or/url.yaml OUT=folder: try another document
	@$(python) generator/generate.py $(if $(SPEC),--spec '$(SPEC)') $(if $(OUT),--out '$(OUT)')
	@$(if $(SPEC),,$(python) generator/twins.py)

contracts: $(installed_dev) ## compile the Solidity token (fetches npm's solc)
	$(python) -m event_streamer_service.devchain.contracts.build

.PHONY: docs
docs: $(installed_dev) ## the documentation as a site that works from disk: build/site/index.html
	$(python) -m sphinx --fail-on-warning --keep-going -q -d build/doctrees -b html docs build/site
	@echo "Open build/site/index.html"

.PHONY: package
package: $(installed_dev) ## build the source archive and the wheel, check them, and try them with every extra
	rm -rf dist
	$(python) -m build --no-isolation
	$(python) -m twine check --strict dist/*
	$(python) tests/packaging/smoke.py dist $(ARGS)

## Longer runs

.PHONY: fuzz fuzz-abi fuzz-requests schemathesis attack watch-page simulate soak soak-workers kill-sinks compare-faults bench bench-quick bench-load bench-fan-out bench-idle
fuzz: $(installed_dev) ## look for counterexamples to all properties, some hundred times as long as the tests do
	HYPOTHESIS_PROFILE=fuzz $(pytest) --timeout=0 $(wildcard tests/*/test_*properties*.py) tests/rest/test_two_adapters.py $(ARGS)

fuzz-abi: $(installed_dev) ## let atheris look for ABIs and logs that the ABI part can't bear; SECONDS_EACH=600
	$(python) -m pip install -qq --group fuzz
	$(python) tests/abi/fuzz.py documents --seconds $(or $(SECONDS_EACH),600)
	$(python) tests/abi/fuzz.py logs --seconds $(or $(SECONDS_EACH),600)

fuzz-requests: $(installed_dev) ## let hypothesis look for requests that the service can't bear; SECONDS_EACH=1800; ARGS=--postgresql
	$(python) tests/attack/fuzz.py --seconds $(or $(SECONDS_EACH),1800) $(ARGS)

schemathesis: $(installed_dev) ## hold the service to openapi.yaml with schemathesis, with and without keys; SEEDS=1,2,3
	SCHEMATHESIS_SEEDS=$(or $(SEEDS),1,2,3) SCHEMATHESIS_EXAMPLES=$(or $(EXAMPLES),25) $(python) -m pytest -q \
	  --timeout=0 tests/rest/test_conformance.py -k schemathesis $(ARGS)

attack: $(installed_dev) ## run every attack against a fresh service, and write what it cost to docs/attacks.md
	$(python) tests/attack/attack.py --out docs/attacks.md $(ARGS)

watch-page: $(installed_dev) ## leave the page open for five minutes under 200 events a second: flat, and quick to answer
	PAGE_SECONDS=$(or $(PAGE_SECONDS),300) $(python) -m pytest --timeout=900 tests/page/test_endurance.py $(ARGS)

simulate: $(installed_dev) ## play random schedules of faults in virtual time until one fails, or Ctrl-C
	$(python) tests/simulation/play.py --forever

soak: $(installed_dev) ## ten minutes of trouble on a real node: faults, kill -9, and nothing lost
	$(python) tests/soak/soak.py $(ARGS)

soak-workers: $(installed_dev) ## five minutes of workers killed and paused on PostgreSQL; SECONDS=60 SEED=7
	PYTHONPATH=tests $(python) tests/soak/workers.py --seconds $(or $(SECONDS),300) --seed $(or $(SEED),1)
.PHONY: soak-many soak-replicas
soak-many: $(installed_dev) ## five minutes of trouble for replicas and workers at once, and for their PostgreSQL
	PYTHONPATH=tests $(python) tests/soak/many.py $(ARGS)
soak-replicas: $(installed_dev) ## five minutes of trouble for replicas: kill -9 behind nginx, PostgreSQL restarted
	$(python) tests/soak/replicas.py $(ARGS)

kill-sinks: $(installed_dev) ## kill -9 exports thirty times a sink, reorganisations among them: each event once
	SINK_KILLS=30 $(python) -m pytest --timeout=900 tests/sinks -k killed_at_random_instants $(ARGS)

compare-faults: $(installed_dev) ## the fault matrix, row by row: the published client 0.5.0 and both of ours; writes its RESULTS.md
	$(python) tests/comparison/compare.py --out tests/comparison/RESULTS.md $(ARGS)

bench: $(installed_dev) ## measure against the peers, write benchmarks/RESULTS.md; ARGS="--only sinks": its section
	$(python) -m benchmarks --out benchmarks/RESULTS.md $(ARGS)

bench-quick: $(installed_dev) ## the same with fewer rounds, in some minutes
	$(python) -m benchmarks --quick $(ARGS)

bench-load: $(installed_dev) ## the service under load: 200 streams, a million logs, readers that stand still
	$(python) -m benchmarks.service_load $(ARGS)

bench-fan-out: $(installed_dev) ## 1,000 live streams of 500 events a second, a tenth of the readers stalled
	$(python) -m benchmarks.fan_out $(ARGS)

bench-idle: $(installed_dev) ## 10,000 idle streams over three replicas on one PostgreSQL, and a replica that is killed
	$(python) tests/soak/idle.py $(ARGS)

## Look at what it stands on

.PHONY: audit licences
audit: $(installed_dev) ## look for known weaknesses of the packages that are installed
	$(python) -m pip install -qq --group audit
	@$(python) tools/audit.py $(ARGS)

licences: $(installed) ## list the licences of what is installed here, the developers' tools among it
	$(python) -m pip install -qq --group audit
	$(python) -m piplicenses --from=mixed --order=license --with-urls $(ARGS)

## Tidy up

.PHONY: clean
clean: ## remove environments, caches and build results
	rm -rf .venv .venv-* .cache build dist htmlcov .coverage .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- environments ------------------------------------------------------------------------------

$(python):
	@base="$(base_python)"; base="$${base:-$$(tools/find-python)}" || exit 1; \
	echo "Making $(VENV) with $$base"; \
	"$$base" -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "$$base has no working venv module. On Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@# The pip that comes with Python 3.11 doesn't know dependency groups yet.
	@$(python) -m pip install -qq --upgrade 'pip>=25.1'

$(installed): pyproject.toml | $(python)
	@echo "Installing the project into $(VENV) (once; again when pyproject.toml changes)"
	@$(python) -m pip install -qq --editable '.[fast,service]'
	@touch $@

$(installed_dev): pyproject.toml | $(python)
	@echo "Installing the developers' tools into $(VENV)"
	@$(python) -m pip install -qq --editable '.[all]' --group dev
	@touch $@ $(installed)

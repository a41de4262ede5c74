# Needs Python 3.11 or newer with venv, make and git; all else goes into .venv.
#   make help         these lines
#   make setup        .venv from requirements.lock; the other targets make it
#                     where it is missing
#   make replicate    train the eight runs of data/quick.toml and print their
#                     numbers beside the published ones; ARGS=--dry-run: only
#                     the plan; ARGS="--notebook 02_aggan": a notebook's runs.
#                     Ctrl-C is safe: the same command goes on from there
#   make runs         all runs and notebooks of a budget: BUDGET=paper
#                     PROFILE=slurm ARGS="--seeds 0,1"
#   make preflight    measure time and memory of every kind of run of a budget:
#                     BUDGET=paper DEVICE=cuda; plans read it
#   make report       tables, plots and records of a budget as one HTML file
#   make test         what CI runs: the tests, then every notebook at smoke
#   make test-all     the same with every variant of every method
#   make test-cluster kill runs on this machine and on a Slurm of its own; as
#                     root, some minutes
#   make lint         check the style of the code
PYTHON ?= python3
ARGS ?=
BUDGET ?= smoke
PROFILE ?= local
DEVICE ?= cpu
VARIANTS :=
UV_VERSION := 0.13.8
PY := .venv/bin/python
UV := .venv/bin/uv pip
export UV_HTTP_TIMEOUT ?= 300
# Dozens of processes start here: where a shell or an image forbids the files of compiled code, each
# would compile all that it imports again, a second or two of torch's alone.
export PYTHONDONTWRITEBYTECODE :=

# The stamp holds the folder that .venv was made in and is read by .venv's own Python: in a copied
# checkout, or after the system's Python is gone, it does not match and .venv is made anew.
STAMP := .venv/.stamp
BUILT_IN := $(shell $(PY) -c "print(open('$(STAMP)').read())" 2>/dev/null)
ifneq ($(strip $(BUILT_IN)),$(strip $(CURDIR)))
.PHONY: $(STAMP)
endif

.PHONY: help setup replicate runs preflight report test test-cluster test-all lint strip lock
setup: $(STAMP)

help:
	@sed -n '/^[^#]/q; s/^# \{0,1\}//p' $(firstword $(MAKEFILE_LIST))

# The stamp comes last, so that an installation killed on the way counts as missing. --python keeps
# uv out of another environment that the shell may have activated.
$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "replicate needs Python >= 3.11, but $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
	  echo "Name another one: make $(MAKECMDGOALS) PYTHON=python3.12"; exit 1; } >&2
	$(PYTHON) -m venv --clear .venv
	$(PY) -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(UV) install --quiet --python $(PY) --require-hashes -r requirements.lock
	$(UV) install --quiet --python $(PY) --no-deps --no-build-isolation -e .
# Compiles what most commands import, on two cores: several that start together, as tests do, would
# each compile all of it. What cannot be imported says so where it is used.
	@$(PY) -c 'import torch._dynamo, torchvision' & \
	  $(PY) -c 'import seaborn, skimage.metrics, papermill, ipykernel, snakemake'; wait
	@printf '%s\n' "$$(pwd -P)" > $(STAMP)

replicate: $(STAMP)
	$(PY) -m replicate.cli all $(ARGS)

runs: $(STAMP)
	$(PY) -m replicate.cli runs --budget $(BUDGET) --profile $(PROFILE) $(ARGS)

preflight: $(STAMP)
	$(PY) -m replicate.cli preflight --budget $(BUDGET) --device $(DEVICE) $(ARGS)

report: $(STAMP)
	$(PY) -m replicate.cli report --budget $(BUDGET) $(ARGS)

# One thread a process: two run at a time, and more threads give other bytes. A notebook or a file of
# tests stays in one process, in the order of tests/conftest.py: long ones first. Three processes,
# because tests also wait, for processes and servers.
test: export OMP_NUM_THREADS := 1
test-all: export OMP_NUM_THREADS := 1
test-all: VARIANTS := --all-variants
test test-all: $(STAMP)
	@results=$$(mktemp -d) && trap 'rm -rf "$$results"' EXIT && set -x && \
	  REPLICATE_RESULTS="$$results" $(PY) -m pytest -n 3 --dist loadfile --no-loadscope-reorder \
	    --nbval-lax notebooks tests $(VARIANTS)

test-cluster: export OMP_NUM_THREADS := 1
test-cluster: $(STAMP)
	$(PY) -m pytest -x tests/cluster/check_cluster.py

lint: $(STAMP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .

strip: $(STAMP)
	$(PY) -m nbconvert --clear-output --inplace notebooks/*.ipynb

# Keeps the pins that still satisfy pyproject.toml; ARGS="--upgrade" renews them all.
lock: $(STAMP)
	$(UV) compile --quiet --universal --python-version 3.11 --extra test --generate-hashes \
	  --no-emit-index-url --no-annotate --custom-compile-command "make lock" $(ARGS) \
	  pyproject.toml -o requirements.lock

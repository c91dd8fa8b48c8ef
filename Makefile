# env · demo · test · bench · lint · clean: each works on a fresh checkout by itself.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
NATIVE := $(shell find native/include native/src native/CMakeLists.txt pyplugin/_native -type f 2>/dev/null | grep -v pycache)
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: env demo test test-native bench lint format clean
.DEFAULT_GOAL := demo

need-cc:
	@command -v $${CC:-cc} >/dev/null || { echo "No C compiler found. Install one: sudo apt-get install build-essential" >&2; exit 1; }
.PHONY: need-cc

$(BIN)/python: | need-cc
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is too old: Python 3.10 or later is needed. Name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "$(PYTHON) cannot make virtual environments. Install what it lacks: sudo apt-get install python3-venv" >&2; exit 1; }

# One stamp a set of extras: the package, rebuilt when the C sources change, with what the target needs.
$(VENV)/.env: pyproject.toml $(NATIVE) | $(BIN)/python
	$(BIN)/python -m pip install --quiet --editable '.[all]'
	@touch $@

$(VENV)/.test: $(VENV)/.env
	$(BIN)/python -m pip install --quiet --editable '.[all,test]'
	@touch $@

env: $(VENV)/.env

test: $(VENV)/.test
	$(BIN)/python -m pytest $(ARGS)

# env · demo · test · bench · evaluate · lint · docs · plugins · web · fuzz · mutate · clean: each works on a fresh checkout by
# itself.
#   make test ARGS="-k node"    some tests only; ARGS="-n 0 -p no:randomly": one process, as written
#   make fuzz SECONDS=600       each fuzzer for 10 minutes; FUZZERS=network: one of them
#   make mutate ARGS="--count 200 --seed 1"   200 random changes of the core that the tests should notice
#   make PYTHON=python3.12 …    another Python
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check
NATIVE := $(shell find native pyplugin/_native -type f -not -path '*/__pycache__/*' -not -path 'native/browser/*' 2>/dev/null)
CLANG ?= clang-22
SCENE := build/scene.tagnode
PRESETS := build/presets.c
WEB := build/web/tagnode

.PHONY: env demo demo-monitor plugins web test oracle test-tflite test-training test-native rt fuzz mutate bench evaluate lint format \
  docs release release-twice release-check image-test clean
.DEFAULT_GOAL := demo

$(BIN)/python:
	@command -v $${CC:-cc} >/dev/null || { echo "No C compiler here. Install one: sudo apt-get install build-essential" >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "No $(PYTHON) here. Install it: sudo apt-get install python3 python3-venv" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || { echo "$(PYTHON) is too old; Python 3.10 or later is needed: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "$(PYTHON) makes no virtual environments. Install what it lacks: sudo apt-get install python3-venv" >&2; exit 1; }

# A stamp for each set of extras. The package is editable; what is in C is built anew when it changes.
$(VENV)/.all: pyproject.toml $(NATIVE) | $(BIN)/python
	$(PIP) --editable '.[all]'
	@touch $@

$(VENV)/.%: $(VENV)/.all
	$(PIP) --editable '.[all,$*]'
	@touch $@

env: $(VENV)/.all

demo: $(VENV)/.all
	@$(BIN)/python examples/demo/demo.py demo-output

# A station that goes wrong in five ways in two minutes, on a loopback Icecast, and the log of it.
demo-monitor: $(VENV)/.all
	@$(BIN)/python examples/demo/radio.py demo-output

# The plugins for DAWs: build/plugins/tagnode.lv2, tagnode.clap and Tagnode.vst3.
plugins: $(SCENE) $(PRESETS)
	@command -v cmake >/dev/null || { echo "No cmake here. Install it: sudo apt-get install cmake" >&2; exit 1; }
	@cmake -S native -B build/plugins -DTAGNODE_PLUGINS=ON -DTAGNODE_SCENE=$(CURDIR)/$(SCENE) \
	  -DTAGNODE_PRESETS=$(CURDIR)/$(PRESETS) >/dev/null
	@cmake --build build/plugins --parallel >/dev/null
	@ls -d build/plugins/*.lv2 build/plugins/*.clap build/plugins/*.vst3

# The package for web pages, build/web/tagnode: once with WebAssembly's SIMD, once without.
web: $(WEB)/package.json
	@ls -d $(WEB)

$(WEB)/package.json: $(SCENE) $(NATIVE) $(wildcard native/browser/*) pyplugin/page/package.py | $(VENV)/.web
	@command -v cmake >/dev/null || { echo "No cmake here. Install it: sudo apt-get install cmake" >&2; exit 1; }
	@for simd in ON OFF; do \
	  cmake -S native -B build/web/$$simd -DCMAKE_TOOLCHAIN_FILE=browser/wasm.cmake -DTAGNODE_BROWSER=ON \
	    -DTAGNODE_SIMD128=$$simd -DTAGNODE_PYTHON=$(abspath $(BIN)/python) >/dev/null && \
	  cmake --build build/web/$$simd --parallel >/dev/null || exit 1; \
	done
	@$(BIN)/python -m pyplugin.page.package native/browser build/web/ON/browser/tagnode.wasm \
	  build/web/OFF/browser/tagnode.wasm $(WEB)

# The model and the presets that the plugins carry.
$(PRESETS): $(wildcard presets/*.toml) pyplugin/daw/presets.py | $(VENV)/.all
	@mkdir -p $(@D)
	$(BIN)/python -m pyplugin.daw.presets $@

$(SCENE): models/scene.tflite models/scene.json pyplugin/daw/container.py | $(VENV)/.all
	@mkdir -p $(@D)
	$(BIN)/python -m pyplugin.daw.container scene $@

test: $(VENV)/.test
	$(BIN)/python -m pytest -n auto $(ARGS)

# TensorFlow and Essentia (1 GB), so that make test compares with them too.
oracle: $(VENV)/.oracle

# tflite-runtime wants numpy 1, so it has an environment of its own.
test-tflite:
	@test -x build/tflite/bin/python || $(PYTHON) -m venv build/tflite
	build/tflite/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[audio,litert,test,tflite-runtime]'
	build/tflite/bin/python -m pytest tests/node/test_runtimes.py $(ARGS)

# PyTorch has an environment of its own too: a CPU build where pip finds one (TORCH names another),
# else that of PyPI, which brings CUDA.
TORCH ?= torch==2.13.0+cpu
test-training:
	@test -x build/training/bin/python || $(PYTHON) -m venv build/training
	@build/training/bin/python -m pip install --quiet --disable-pip-version-check '$(TORCH)' 2>/dev/null || true
	build/training/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all,test,network]'
	build/training/bin/python -m pytest tests/training tests/cli/test_train.py $(ARGS)

# The C library and the plugins: plain, then under each sanitizer, then for other machines.
test-native: $(SCENE) $(PRESETS)
	CLANG=$(CLANG) TAGNODE_SCENE=$(CURDIR)/$(SCENE) TAGNODE_PRESETS=$(CURDIR)/$(PRESETS) \
	  native/tests/run.sh

# The proofs of real-time safety: clang's RealtimeSanitizer and function effects over C hosts, the interposer
# over a Python process, and the work of each callback.
rt: $(VENV)/.test $(SCENE) $(PRESETS)
	CLANG=$(CLANG) TAGNODE_SCENE=$(CURDIR)/$(SCENE) TAGNODE_PRESETS=$(CURDIR)/$(PRESETS) \
	  TESTS='inline|swap|realtime|node|live|stream|signals|automation|plugin' native/tests/run.sh realtime
	$(BIN)/python -m pytest -v tests/node/test_realtime.py tests/node/test_inline.py

# Fuzzes the readers of models, heads, containers and states, and nodes that run what they accept:
# SECONDS each. make fuzz FUZZERS=network SECONDS=600 for one, longer; the corpus stays in build/fuzz.
FUZZERS = graph network head container state
SECONDS = 20
fuzz: $(VENV)/.all
	$(BIN)/python native/tests/fuzz/make_seeds.py build/fuzz/seeds
	cmake -S native -B build/fuzz/build -DTAGNODE_TESTS=ON -DTAGNODE_FUZZ=ON -DCMAKE_C_COMPILER=$(CLANG) \
	  -DTAGNODE_SANITIZE=address,undefined -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
	cmake --build build/fuzz/build --parallel --target $(FUZZERS:%=fuzz_%) >/dev/null
	@for name in $(FUZZERS); do \
	  echo "-- fuzz $$name" && mkdir -p build/fuzz/corpus/$$name && \
	  build/fuzz/build/tests/fuzz/fuzz_$$name -max_total_time=$(SECONDS) -max_len=16384 -timeout=20 \
	    -rss_limit_mb=1024 -print_final_stats=1 -artifact_prefix=build/fuzz/$$name- \
	    build/fuzz/corpus/$$name build/fuzz/seeds/$$name || exit 1; \
	done

# Changes one thing in the core at a time and looks whether a test fails, in a copy of the tree; by hand:
# make mutate ARGS="--count 200 --seed 1". The survivors are in build/mutate/report.md.
mutate: $(VENV)/.test
	$(BIN)/python tools/mutate.py $(ARGS)

# Peers of the figures of the browser come from npm, where it is.
bench: $(VENV)/.bench $(if $(shell command -v npm),build/npm/bench/.done)
	$(BIN)/python -m benchmarks $(ARGS)

# scene beside other models on the test groups of a corpus, which is not in the tree:
#   make evaluate ARGS="--corpus FOLDER --out evaluation.tsv"
# silero-vad comes without PyTorch, which it wants: ONNX Runtime runs its network. FluidSynth plays music.
evaluate: $(VENV)/.onnx build/silero/.done
	$(BIN)/python -m pyplugin.training.evaluate $(ARGS)

build/silero/.done: | $(BIN)/python
	$(PIP) pyfluidsynth
	$(PIP) --no-deps --upgrade --target $(@D) silero-vad==6.2.3 && touch $@ || \
	  { mkdir -p $(@D) && echo "PyPI has no silero-vad here: it is left out." >&2; }

# Tools in JavaScript for lint and tests; no page and no package needs them.
NPM := build/npm
$(NPM)/.done: tools/javascript/package.json
	@command -v npm >/dev/null || { echo "No npm here, which types of pages and tests of them need. Install it: sudo apt-get install npm" >&2; exit 1; }
	@mkdir -p $(NPM) && cp $< $(NPM)
	npm install --prefix $(NPM) --silent --no-audit --no-fund --no-package-lock --ignore-scripts
	@touch $@

$(NPM)/bench/.done: benchmarks/package.json
	@mkdir -p $(@D) && cp $< $(@D)
	npm install --prefix $(@D) --silent --no-audit --no-fund --no-package-lock --ignore-scripts && touch $@ || \
	  echo "npm fetches nothing here: TensorFlow.js and essentia.js are left out." >&2

# Types of the JavaScript, in its comments; those of the package are written from them into types/.
TSC := $(NPM)/node_modules/.bin/tsc
TYPES := $(TSC) -p native/browser --outDir build/lint/types && diff -r build/lint/types native/browser/types && \
  $(TSC) -p pyplugin/page && $(TSC) -p tools/javascript

lint: $(VENV)/.lint $(NPM)/.done
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(TYPES)
	$(BIN)/clang-format --dry-run --Werror $$(find native -name '*.[ch]')
	cmake -S native -B build/lint -DTAGNODE_TESTS=ON >/dev/null
	find native/src native/plugin native/tests -name '*.c' -not -name 'neon*' -not -name 'simd128*' -not -name '*_windows.c' \
	  -not -name 'abi_*' -not -name 'host_lilv.c' -print0 | \
	  xargs -0 -n 4 -P 2 $(BIN)/clang-tidy --quiet -p build/lint

format: $(VENV)/.lint $(NPM)/.done
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/clang-format -i $$(find native -name '*.[ch]')
	$(TSC) -p native/browser

# The documentation site, in build/site. Warnings, broken links among them, are errors.
docs: $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

# What a release publishes, for every platform, in build/release; publishes nothing.
#   make release ARGS="--only linux-x86_64"
release: $(VENV)/.release
	PYTHONPATH=tools $(BIN)/python -m release $(ARGS)

# The same in two folders; fails where the bytes differ.
release-twice: $(VENV)/.release
	PYTHONPATH=tools $(BIN)/python -m release.twice $(ARGS)

# What RELEASE.md asks for; publishes nothing.
release-check: $(VENV)/.test $(WEB)/package.json
	$(PIP) build
	$(BIN)/python tools/release/check.py $(ARGS)

# Builds the image and runs it, by hand: with buildah, as root, some minutes.
image-test:
	tools/image_test.sh

clean:
	rm -rf $(VENV) build demo-output bench-output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

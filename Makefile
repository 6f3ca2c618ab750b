# One word a habit. The environment is .venv, made from constraints.txt; `make bench` and `make test` need nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
DOCS_STAMP := $(VENV)/.docs-installed
RELEASE_STAMP := $(VENV)/.release-installed
# torch comes first and pinned: left to the resolver it would bring gigabytes of CUDA packages to a machine without a GPU.
# pip compiles modules one after the other, which is most of its time; compileall uses all cores, and its exit code is that
# of templates which are no Python
TORCH := $(shell grep '^torch==' constraints.txt)
# share of the lines and branches [%] that `make coverage` demands: what was measured, 93, less what a machine without a
# browser does not reach. Processes of cells end without counting their lines
COVERAGE_FLOOR ?= 92
BENCH := --methods invlint,inversionnet --dataset salt

# what `make results` runs; bf16 pays on CPUs with AMX and on GPUs
LEARNED := --methods mean-map,nearest-neighbour,pixel-ridge,kernel-ridge,invlint,auto-linear,latent-unet,inversionnet,velocitygan --seeds 3 \
	--set inversionnet.precision=bf16 --set velocitygan.precision=bf16
INVERSIONS := --test-samples 5 --seeds 3
STARTED := --methods invlint,inversionnet,multiscale-fwi,refine,refine[base=inversionnet] \
	--set inversionnet.precision=bf16

.PHONY: install bench results test test-slow test-browser test-processors test-cluster coverage fuzz kill-tests lint format docs \
	notebooks cards studies changelog version release benchmarks gpu-check clean

install: $(STAMP)

$(STAMP): pyproject.toml constraints.txt fwibench/version.py
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/python -m pip install --quiet --no-compile $(TORCH)
	$(BIN)/python -m pip install --quiet --no-compile --constraint constraints.txt --editable . --group dev
	$(BIN)/python -W ignore -m compileall -qq -j 0 $(VENV)/lib || true
	touch $@

bench: install
	$(BIN)/fwibench run $(BENCH) --export results/bench.csv

# hours on two cores; what is finished is kept, so it may be interrupted and called again
results: install
	$(BIN)/fwibench run $(LEARNED) --dataset salt,marmousi
	$(BIN)/fwibench run $(LEARNED) --dataset salt --split block
	$(BIN)/fwibench run $(LEARNED) --dataset kimberlina-reservoir --set invlint.max_batches=1000 \
		--set invlint.learning_rate=0.01 --set velocitygan.max_batches=200
	$(BIN)/fwibench run $(LEARNED) --dataset kimberlina-leakage
	$(BIN)/fwibench run --methods 'residual[base=invlint]' --dataset marmousi --seeds 3 \
		--set invlint.kernels_total=128 --set invlint.max_batches=500
	$(BIN)/fwibench run --methods 'refine[base=nearest-neighbour,bands=auto,warp=120,iterations=1]' --seeds 3 \
		--dataset salt --split block
	for split in random block; do $(BIN)/fwibench run --methods ensemble --dataset salt --split $$split || exit 1; done
	for split in random block; do $(BIN)/fwibench run $(STARTED) $(INVERSIONS) --dataset salt --split $$split || exit 1; done
	$(BIN)/fwibench run --methods multiscale-fwi-oracle --dataset salt $(INVERSIONS)
	$(BIN)/fwibench run --methods multiscale-fwi,multiscale-fwi-oracle --dataset marmousi $(INVERSIONS) \
		--set multiscale-fwi.iterations=200 --set multiscale-fwi-oracle.iterations=200
	$(BIN)/fwibench run --methods mean-map,multiscale-fwi --set multiscale-fwi.iterations=20 --set multiscale-fwi.step=40 \
		--set multiscale-fwi.damping=1e-8 --set multiscale-fwi.tv=0.003 --set multiscale-fwi.decrease=0 \
		--dataset kimberlina-leakage $(INVERSIONS)
	$(BIN)/fwibench leaderboard --export results/leaderboard.csv --export results/leaderboard.md
	$(BIN)/fwibench figures --dataset salt --split random --kind panels --format png
	$(BIN)/fwibench report -o results/report.html --published --max-samples 2

test: install
	$(BIN)/python -m pytest -n 2 -m "not slow"

test-slow: install
	$(BIN)/python -m pytest -m slow

# report and site in a headless browser; a plain `make test` skips these tests where there is none
test-browser: install
	$(BIN)/python -m tests.chromium
	$(BIN)/python -m pytest tests/report/page/test_browser.py tests/report/site/test_browser.py

# what other processors would compute: one and two threads, without vector instructions and with those of 2013
test-processors: install
	for kernels in "default SSE41 Nehalem" "avx2 AVX2 Zen"; do for threads in 1 2; do \
		set -- $$kernels; echo "torch $$1, oneDNN $$2, OpenBLAS $$3, $$threads threads"; \
		ATEN_CPU_CAPABILITY=$$1 ONEDNN_MAX_CPU_ISA=$$2 OPENBLAS_CORETYPE=$$3 OMP_NUM_THREADS=$$threads \
			$(BIN)/python -m pytest -q -n 2 -m "not slow" || exit 1; done; done

coverage: install
	$(BIN)/python -m pytest -n 2 -m "not slow" --cov --cov-report=term --cov-report=xml --cov-fail-under=$(COVERAGE_FLOOR)

# on a SLURM cluster of one node, this machine; as root it installs what that needs on Debian and Ubuntu
test-cluster: install
	if ! command -v sbatch >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && apt-get install -y -qq --no-install-recommends slurm-wlm munge >/dev/null; fi
	$(BIN)/python -m pytest -rs tests/cluster tests/runs/execution/test_cluster.py

# 5,000 command lines and 2,000 damaged files; half an hour. FWIBENCH_FUZZ_SEED draws others
fuzz: install
	FWIBENCH_FUZZ=1 $(BIN)/python -m pytest -rA tests/fuzz

# half an hour: commands are killed 200 times, at moments of a fixed course
kill-tests: install
	FWIBENCH_KILLS=200 $(BIN)/python -m pytest -m slow -s tests/runs/execution/test_kills.py

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy docs/_ext/fwibench_docs plugins/example-unet
	$(BIN)/lint-imports
	$(BIN)/codespell

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(DOCS_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group docs
	touch $@

# the site in docs/_build/html; whatever lacks a description, or a link without a target, is an error
docs: $(DOCS_STAMP)
	$(BIN)/python -m sphinx -W --keep-going -E -q -b html docs docs/_build/html

# executes the tutorials and stores their outputs; some minutes
notebooks: $(DOCS_STAMP)
	$(BIN)/python -m tests.docs.notebooks docs/tutorials/*.ipynb

# statistics and pictures of the dataset cards; an hour where the data are not on this machine
cards: install
	PYTHONPATH=docs/_ext $(BIN)/python -m fwibench_docs.measured salt marmousi kimberlina-leakage kimberlina-reservoir

# runs what is missing of the studies whose data are small, and writes their pages: hours on two cores. STUDIES names others
STUDIES ?= paper near-linearity resolution noise missing-traces wavelet-shift time-shift amplitude learning-curve budget \
	calibration transfer
studies: install
	for study in $(STUDIES); do $(BIN)/fwibench study run $$study || true; done
	PYTHONPATH=docs/_ext $(BIN)/python -m fwibench_docs.studies

$(RELEASE_STAMP): $(STAMP)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --group release
	touch $@

# the notes of the next release, from the fragments in changes/
changelog: $(RELEASE_STAMP)
	$(BIN)/towncrier build --draft --version next

# sets version and date, and moves the fragments into CHANGELOG.md: make version VERSION=1.2.3
version: $(RELEASE_STAMP)
	$(BIN)/python -m release.bump $(VERSION)

# builds the distributions in dist/, checks what they hold, and tests what a user installs; uploads nothing
release: $(RELEASE_STAMP)
	$(BIN)/hadolint Dockerfile
	rm -rf dist
	$(BIN)/python -m build --outdir dist
	$(BIN)/twine check --strict dist/*
	$(BIN)/python -m tests.wheel dist

benchmarks: install
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

# on a machine with a GPU; takes .venv if it is there, else the Python with CUDA that $(PYTHON) names. GPU_CHECK adds options
gpu-check:
	$(or $(wildcard $(BIN)/python),$(PYTHON)) benchmarks/gpu/check.py $(GPU_CHECK)

clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis docs/_build dist

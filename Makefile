# Each target first sets up what it needs: a virtual environment in .venv with the versions that constraints.txt pins.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: docs test test-fast test-long lint demo bench precision

# All tests, those that train with torch included. Options for pytest: make test ARGS="-k OPT001 -x"
test: $(READY)
	$(BIN)/python -m compileall -q src
	$(BIN)/python -m pytest -n 2 --dist loadgroup $(ARGS)

# The tests that never load torch: seconds, for the inner loop.
test-fast: $(READY)
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not torch" $(ARGS)

# Further programs of the rules; every recipe trained to its end, watched, killed and resumed: an hour. One: make test-long ARGS="-k digits"
test-long: $(READY)
	$(BIN)/python -m pytest -m long $(ARGS)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# A script with three silent bugs under torchward, then its mended twin.
demo: $(READY)
	$(BIN)/python examples/demo.py

# Guide, handbook, rules and errors as one site in build/site, in both languages.
docs: $(READY)
	$(BIN)/python docs/build.py build/site

# What watching costs, and what reading a long log costs, against their bars. Quicker: make bench ARGS="--rounds 3 --program tiny"
bench: $(READY)
	$(BIN)/python bench/explain.py
	$(BIN)/python bench/overhead.py $(ARGS)

# Every program there is, run for real: how often the true cause comes first, how often it cries wolf. An hour and more.
# With scripts of others as well: make precision ARGS="--public ../public"   One: make precision ARGS="spirals_bn"
precision: $(READY)
	$(BIN)/python bench/precision.py $(ARGS)

# The build tools are installed first, so that the build is pinned too. Repeated after a change of these two files only.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 10) or sys.exit("torchward needs Python 3.10 or newer; choose one with: make PYTHON=python3.12")'
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt hatchling editables
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt --no-build-isolation -e '.[dev]'
	touch $@

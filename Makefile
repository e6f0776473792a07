# Needs Python >= 3.10 with venv and pip, make and a shell. The first run of a target installs what it needs from the
# package registry into .venv and .cache; later ones work offline.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLD := .cache/oldest
SMOKE := .cache/smoke
LIBRARIES := .cache/libraries
MATRIX := .cache/matrix/tools
MUTANTS := .cache/mutants
ONLY :=
WORKERS ?= 2

# The tests start some two thousand processes, which all take the compiled modules that a first one has written.
export PYTHONDONTWRITEBYTECODE :=
COMPILE = -m pytest -q --leakcheck docs/examples/leaky > /dev/null 2>&1 || true

.PHONY: demo test lint types layers tests coverage tests-oldest matrix another docs wheel integrations steady fuzz mutants corpus suites bench clean

demo: $(VENV)/.ready
	$(BIN)/python docs/examples/demo.py

test: lint types layers docs wheel tests-oldest another tests

lint: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.ready
	$(BIN)/mypy

layers: $(VENV)/.ready
	$(BIN)/lint-imports

tests: $(VENV)/.ready
	$(BIN)/python $(COMPILE)
	$(BIN)/python -m pytest -n $(WORKERS) tests

# The same with branch coverage, also of the processes that the tests start, which takes almost twice as long. What one
# interpreter alone gets to is left out by its name, and run by `matrix`; of all else, nothing may be missing.
coverage: $(VENV)/.ready
	rm -f .coverage .coverage.*
	$(BIN)/python $(COMPILE)
	$(BIN)/python -m coverage run -m pytest -n $(WORKERS) tests
	$(BIN)/python -m coverage combine -q
	$(BIN)/python -m coverage report

# What goes by pytest's own ways, on the oldest one that is supported and the oldest of its plugins that go with it; `matrix`
# runs all there is on it.
PYTESTS := housekeeping junit markers neighbours outcomes pytest_roots repeat scopes verdict
tests-oldest: $(OLD)/.ready
	$(OLD)/bin/python $(COMPILE)
	$(OLD)/bin/python -m pytest -q -n $(WORKERS) $(PYTESTS:%=tests/test_%.py)

# The suite on each of CPython 3.10-3.15 and PyPy that is found, and with the oldest and the next pytest. What is missing
# is unpacked to .cache where Debian's packages can be had; ONLY="3.14 pypy3.11" runs these alone.
matrix: $(MATRIX)/.ready
	PATH="$$PWD/$(MATRIX)/bin:$$PATH" $(MATRIX)/bin/python tests/matrix.py --unpack --workers $(WORKERS) $(ONLY:%=--only %)

# On one other interpreter that is found here, the newest one first, the tests that tell most of it alone; where there is
# none, that is told.
another: $(MATRIX)/.ready
	$(MATRIX)/bin/python tests/matrix.py --another --workers $(WORKERS) -- tests/test_links.py tests/test_verdict.py

docs: $(VENV)/.ready
	$(BIN)/mkdocs build --strict --quiet --config-file docs/mkdocs.yml --site-dir ../site

wheel: $(VENV)/.ready $(SMOKE)/.ready
	rm -rf dist
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --no-index --wheel-dir dist .
	$(SMOKE)/bin/python -m pip install --quiet --no-deps --no-index --force-reinstall dist/*.whl
	$(SMOKE)/bin/python tests/smoke.py

# What is known of other libraries, on the libraries themselves, and runs beside other plugins; `tests` skips those that
# are too large for it. The oldest pytest is for plugins that a new one is too new for.
integrations: $(LIBRARIES)/.ready $(OLD)/.ready
	$(LIBRARIES)/bin/python -m pytest -q -n $(WORKERS) tests/test_integrations.py tests/test_beside.py
	$(OLD)/bin/python -m pytest -q -n $(WORKERS) tests/test_beside.py

# The same verdicts each time, where threads, executors, event loops and Qt have a part in them.
steady: $(LIBRARIES)/.ready
	$(LIBRARIES)/bin/python tests/bench/steady.py

# Random object graphs, hostile objects, markers, settings and baselines, by the thousand; each failure is printed with its
# smallest example and the commands that try it again. FUZZ="--seed 7 --graphs 500" is for some of it.
FUZZ :=
fuzz: $(VENV)/.ready
	$(BIN)/python tests/fuzz/run.py --workers $(WORKERS) $(FUZZ)

# Which small changes of the code that verdicts hang on no test notices; ONLY=watch, and the like, tries one module alone.
# It takes hours. What tests/mutants.txt lists as changing no verdict is left out.
mutants: $(MUTANTS)/.ready
	$(MUTANTS)/bin/python tests/mutants.py --workers $(WORKERS) $(ONLY)

# Longer checks, each against real projects; they need the folder shared/ beside this one.
corpus: $(VENV)/.ready
	$(BIN)/python ../shared/corpus/run.py

suites: $(VENV)/.ready
	$(BIN)/python ../shared/suites/run.py compare all --with .

bench: $(VENV)/.ready
	$(BIN)/python tests/bench/installed_cost.py

$(VENV)/.ready: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "pytest-leakcheck needs Python 3.10 or newer: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --group lint --group test --group docs --group build --editable .
	touch $@

$(OLD)/.ready: pyproject.toml
	$(PYTHON) -m venv $(OLD)
	$(OLD)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(OLD)/bin/python -m pip install --quiet --group oldest --editable .
	touch $@

$(LIBRARIES)/.ready: pyproject.toml
	$(PYTHON) -m venv $(LIBRARIES)
	$(LIBRARIES)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(LIBRARIES)/bin/python -m pip install --quiet --group integrations --editable .
	touch $@

$(SMOKE)/.ready: pyproject.toml
	$(PYTHON) -m venv $(SMOKE)
	$(SMOKE)/bin/python -m pip install --quiet --disable-pip-version-check pytest objgraph
	touch $@

$(MATRIX)/.ready: pyproject.toml
	$(PYTHON) -m venv $(MATRIX)
	$(MATRIX)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(MATRIX)/bin/python -m pip install --quiet --group matrix
	touch $@

$(MUTANTS)/.ready: pyproject.toml
	$(PYTHON) -m venv $(MUTANTS)
	$(MUTANTS)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(MUTANTS)/bin/python -m pip install --quiet --group mutants --editable .
	touch $@

clean:
	rm -rf $(VENV) .cache dist site .coverage*

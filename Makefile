# Each target does all the set-up that it needs. `make demo` and `make test` are what the README shows.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
DEMO := runs/demo-digits

.PHONY: demo test test-fast test-long smoke check docs format clean

demo: $(VENV)/.base
	rm -rf $(DEMO)
	$(BIN)/alexnet train digits --variant half --image-size 64 --epochs 30 --crop-area 0.7 --no-horizontal-flip --output-dir $(DEMO)
	@echo
	@echo "Try it:  $(BIN)/alexnet evaluate $(DEMO) digits"

# Keras has one backend in a process: first TensorFlow with everything else, then JAX.
test: $(VENV)/.installed
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest
	KERAS_BACKEND=jax $(BIN)/python -m pytest tests/keras src/alexnet/keras

# The tests without the marker `slow`: up to two minutes on two cores.
test-fast: $(VENV)/.installed
	KERAS_BACKEND=tensorflow $(BIN)/python -m pytest -q -m "not slow"

# Before a release: the suite, the packages, and six training runs repeated bit for bit.
test-long: test smoke
	$(BIN)/python benchmarks/identity.py record $(VENV)/identity.json
	$(BIN)/python benchmarks/identity.py compare $(VENV)/identity.json

# The wheel and the sdist in dist/, each installed into an empty environment and used.
smoke:
	tools/smoke_test.sh $(PYTHON)

# What continuous integration runs; the pre-commit hooks are the first three.
check: $(VENV)/.installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) docs
	$(MAKE) test

# The site, in site/index.html; any warning is an error. Needs Python 3.11.5 or later.
docs: $(VENV)/.installed
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

format: $(VENV)/.installed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --progress-bar off -c constraints.txt

# What a person needs; and with what develops it, TensorFlow and JAX too (2 GB).
$(VENV)/.base: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -e .
	touch $@

$(VENV)/.installed: $(VENV)/.base
	$(INSTALL) -e '.[dev]'
	touch $@

clean:
	rm -rf $(VENV) runs site dist

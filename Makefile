# Everything a fresh machine needs: Python 3.11+, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# one thread per process: workers share the cores, and two threads on one core wait for each other
export OMP_NUM_THREADS ?= 1

.PHONY: quickstart test test-all lint clean

# the environment is remade when what it is made from changes
$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check torch -c constraints.txt
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[test]'
	touch $@

quickstart: $(VENV)/installed
	$(BIN)/bench run grids/quickstart.yaml
	$(BIN)/bench report quickstart
	@echo
	@echo "The report:  reports/quickstart/index.html  (open it in a browser)"
	@echo "The scores:  results/quickstart/scores       (pandas.read_parquet reads the folder)"

test: $(VENV)/installed
	$(BIN)/python -m pytest

test-all: $(VENV)/installed
	$(BIN)/python -m pytest -m 'long or not long'

lint: $(VENV)/installed
	$(BIN)/ruff check .

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .ruff_cache

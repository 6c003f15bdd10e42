.PHONY: check format lint types imports test

PYTHON ?= python

check: lint types imports test

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

lint:
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .

# On the installed package, from outside the checkout: folder names at its top must not stand for packages.
types:
	cd / && $(PYTHON) -m mypy --config-file $(CURDIR)/pyproject.toml -p touchline

imports:
	$(PYTHON) -m importlinter.cli lint-imports 2>/dev/null || lint-imports

test:
	$(PYTHON) -m pytest -q

# Works with GNU make 3.81. Each command first makes sure that .venv is as requirements.lock says.

# The lock's packages come as wheels for these versions on every platform; 3.14 may have to compile one or two.
PYTHON ?= $(shell for name in python3.13 python3.12 python3.11 python3.14 python3; do \
	if $$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' >/dev/null 2>&1; \
	then command -v $$name; break; fi; done)

BIN := .venv/bin
# Tests wait for servers a good deal: one more worker than the two cores of a small machine.
WORKERS ?= 3

.PHONY: demo dev test servers commands docs format lint type lock audit clean setup setup-lean

demo: setup-lean
	@$(BIN)/s3-assets demo $(ARGUMENTS)

dev: setup-lean
	@$(BIN)/s3-assets dev $(ARGUMENTS)

test: setup
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(ARGUMENTS)

servers:
	@tests/servers/install.sh

commands: setup
	@$(BIN)/python scripts/commands.py

docs: setup
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build

format: setup
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix --select I --quiet .

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

type: setup
	@$(BIN)/mypy

lock: setup
	@$(BIN)/python scripts/lock.py

# Exits with 3 where nobody could be asked for known vulnerabilities: that is not "clean".
audit: setup
	@$(BIN)/python scripts/audit.py

clean:
	rm -rf .venv .venv.lock .demo .dagster .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `setup` is for those who work on the project, `setup-lean` without what tests and documentation need.
setup setup-lean:
	@if [ -z "$(PYTHON)" ]; then \
		echo "s3-assets needs Python 3.11, 3.12, 3.13 or 3.14, and none is on PATH." >&2; \
		echo "Debian, Ubuntu: sudo apt install python3 python3-venv    macOS: brew install python@3.13" >&2; \
		echo "or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; \
		exit 1; \
	fi
	@$(PYTHON) scripts/setup.py $(if $(filter setup-lean,$@),--lean)

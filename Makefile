# make demo: see it work.  make test: prove it.  Both set up their own .venv first.
PYTHON ?= $(shell for p in python3.11 python3 python3.13 python3.12 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
READY := .venv/ready

.PHONY: demo test check bench lock clean
demo: $(READY)
	@$(BIN)/allocator demo

test: $(READY)
	@$(BIN)/python -m pytest -n 3 --dist worksteal

check: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

bench: $(READY)
	@for b in benchmarks/*.py; do $(BIN)/python $$b || exit 1; done

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: install it, or say make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "Python's venv module is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo "Installing into .venv (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $(READY)

# Maintainers: renew the lock after a change in pyproject.toml (needs uv).
lock:
	uv pip compile --universal --python-version 3.11 --generate-hashes --group dev pyproject.toml -o requirements.lock --no-header --quiet

clean:
	rm -rf .venv

# Prism. `make run` and `make test` do all set-up on a bare machine with Python 3.11 and make.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO := data/demo/dataset.json
RANKER := data/ranker/snapshot.json
# Loads the whole machine, so that nothing may run beside it.
FLOODS := tests/test_floods.py

.DELETE_ON_ERROR:
.PHONY: help run data test most-tests test-fast verify servers lint format bench screenshots clean

help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:.*## /\t/' | expand -t 14

run: .venv/.serve $(DEMO) $(RANKER) ## Install, prepare the demo, train the ranker, serve on port 8000
	@$(BIN)/prism serve

data: $(DEMO) $(RANKER) ## Prepare the demo data and the ranker

test: .venv/.dev ## Everything that can fail a submission
	@$(MAKE) --no-print-directory --jobs 2 lint most-tests # what one leaves idle, the other uses
	$(BIN)/python -m pytest -m "not long" $(FLOODS)

most-tests: .venv/.dev $(DEMO) $(RANKER) servers # Those beside which something else may run
	$(BIN)/python -m pytest -n 4 --dist loadfile -m "not long" --ignore $(FLOODS)

test-fast: .venv/.dev $(DEMO) $(RANKER) servers ## The inner loop: what is not marked slow
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not slow and not long"

verify: test bench ## What takes long: the tests, long faults (with Docker), then every benchmark
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev,ray]'
	$(BIN)/python -m pytest -s -rs -m long

servers: # Redis, Prometheus and Chromium, for the tests
	@./servers.sh

lint: .venv/.dev ## Check formatting, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: .venv/.dev ## Format and mend what can be mended
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

bench: .venv/.dev $(DEMO) $(RANKER) servers ## Measure speed, each figure beside a peer
	$(BIN)/python -m bench.ranker
	$(BIN)/python -m bench.recommend
	$(BIN)/python -m bench.engines
	$(BIN)/python -m bench.distributed
	$(BIN)/python -m bench.trust
	$(BIN)/python -m bench.check
	$(BIN)/python -m bench.load
	$(BIN)/python -m bench.page

screenshots: .venv/.dev $(DEMO) $(RANKER) servers ## Take the pictures of the page in docs/images
	$(BIN)/python -m bench.screenshots

clean: ## Remove what was installed and prepared
	rm -rf .venv data

# A stamp is written last, so a half-done install is done again.
.venv/.serve: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory .venv/.made
	$(PIP) install --constraint constraints.txt --editable '.[serve,demo]' || $(offline)
	@touch $@

.venv/.dev: pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory .venv/.made
	$(PIP) install --quiet --constraint constraints.txt --editable '.[dev]' || $(offline)
	@touch .venv/.serve $@

.venv/.made:
	@./bootstrap.sh $(PYTHON)

offline = { echo; echo "Installing failed. With no network the package index cannot be reached:"; \
  echo "see pip's message above, then run make again; it goes on from here."; exit 1; }

# Made again where a newer Prism takes other data.
$(DEMO): catalog/readers/demo.py catalog/readers/demo_people.py | .venv/.serve
	$(BIN)/prism data import demo --data data/demo

$(RANKER): $(DEMO) | .venv/.serve
	$(BIN)/prism train-ranker --data data/demo --snapshot data/ranker

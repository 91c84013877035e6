# AgentForge. `make` alone lists the commands.
#
# Everything runs from .venv, which is created on first use and changes only with the pins.
# LOCAL_MODEL=0 skips the local language model, BROWSER=0 the browser tests; PORT sets the web server's port.

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

demo: ## compile an agent and ask it a question: no browser, no account, no key
	@$(PYTHON) agentforge/launch/install.py run
	@exec $(BIN)/python manage.py demo

test: ## all tests, with a real compiler, database, model and browser (BROWSER=0 skips the browser)
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m pytest $(ARGS)

lint: ## style, types, layers, templates, Go, migrations, commit messages, deployment settings
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m agentforge.launch.lint

chaos: ## kill processes at random (SEED=1) during 20 builds with 50 viewers, then compare everything
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m pytest -n 0 -q -s tests/chaos/long.py $(ARGS)

bench: ## measure: one JSON line per figure
	@$(PYTHON) agentforge/launch/install.py dev
	@exec $(BIN)/python -m bench

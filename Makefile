# AgentForge. `make` alone lists the commands.
#
# Everything runs from .venv, which is created on first use and changes only with the pins.
# LOCAL_MODEL=0 skips the local language model, BROWSER=0 the browser tests; PORT sets the web server's port.

SHELL := /bin/sh
PYTHON ?= python3
BIN := .venv/bin
# Without the shell's PYTHONPATH, PYTHONHOME and the like, and without the packages of this user.
CLEAN := -E -s

.DEFAULT_GOAL := help
.PHONY: help run admin test demo chaos bench lint

help: ## list the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1	/p' Makefile | expand -t 14

run: ## start the forge and print its URL (PORT=8000)
	@$(PYTHON) $(CLEAN) -m agentforge.launch.install run
	@exec $(BIN)/python $(CLEAN) -m agentforge.launch

admin: ## make an operator, who may use /admin/, while the forge runs (EMAIL=ada@example.com)
	@exec $(BIN)/python $(CLEAN) manage.py operator "$(EMAIL)"

demo: ## compile an agent and ask it a question: no browser, no account, no key
	@$(PYTHON) $(CLEAN) -m agentforge.launch.install run
	@exec $(BIN)/python $(CLEAN) manage.py demo

test: ## all tests, with a real compiler, database, model and browser (BROWSER=0 skips the browser)
	@$(PYTHON) $(CLEAN) -m agentforge.launch.install dev
	@exec $(BIN)/python $(CLEAN) -m pytest --durations=20 $(ARGS)

lint: ## style, types, layers, templates, Go, migrations, commit messages, deployment settings
	@$(PYTHON) $(CLEAN) -m agentforge.launch.install dev
	@exec $(BIN)/python $(CLEAN) -m agentforge.launch.lint

chaos: ## kill processes at random (SEED=1) under builds and viewers; attack; hostile shells; production; walk
	@$(PYTHON) $(CLEAN) -m agentforge.launch.install dev
	@exec $(BIN)/python $(CLEAN) -m pytest -n 0 -q -s \
	  $(addprefix tests/chaos/,long.py long_attacks.py long_crowds.py shells.py) \
	  $(addprefix tests/production/,upgrade.py trial.py machines.py image.py) tests/truth/long.py $(ARGS)

FIGURES := compile agent draft workers pages people idle scale future ingest live storm routes deploy downloads \
  first_minute
.PHONY: $(FIGURES)
# `make bench first_minute` measures what it names.
$(FIGURES): bench
	@:

bench: ## measure: one JSON line per figure (make bench first_minute: from a clone to an answer; future: a table)
	@$(PYTHON) $(CLEAN) -m agentforge.launch.install dev
	@exec $(BIN)/python $(CLEAN) -m bench $(filter $(FIGURES),$(MAKECMDGOALS))

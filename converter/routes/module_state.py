"""Warn about state that routes share through a module.

One Next server holds it for all routes; on Netlify, each function has its own copy.
"""

from __future__ import annotations

from pathlib import Path

from converter.javascript.globals import changed_globals, used_globals
from converter.javascript.modules import Module
from converter.javascript.project_state import ProjectState, State
from converter.javascript.stateful import Reading, Stateful
from converter.problems import Problem, Severity

from .graph import Graph
from .model import Route

_BY_HAND = "Store it in a database or in Netlify Blobs, and read it in each call."
_BY_HAND_RANDOM = "Read it from an environment variable that is set on the site."


def add_state_problems(graph: Graph, routes: list[Route]) -> None:
    """Add a warning to each route that shares changing state with another route."""
    users: dict[Path, list[Route]] = {}
    for route in routes:
        for path in route.modules:
            users.setdefault(path, []).append(route)
    state = ProjectState((unit.module, unit.targets) for unit in graph.units.values() if unit.module)
    for path, sharing in users.items():
        if path in state.readings and len(sharing) > 1:
            problems = [_problem(state.readings[path].module, found) for found in state.states_in(path)]
            for route in sharing:
                route.problems += problems
    _add_global_problems(state.readings, routes, state.stateful)


def _add_global_problems(readings: dict[Path, Reading], routes: list[Route], stateful: Stateful) -> None:
    """Warn about properties of the global object that one route changes and another one uses."""
    used = {path: used_globals(reading) for path, reading in readings.items()}
    users: dict[str, list[Route]] = {}
    for route in routes:
        for name in {name for path in route.modules for name in used.get(path, ())}:
            users.setdefault(name, []).append(route)
    for reading in readings.values():
        reported: set[str] = set()
        for name, change in changed_globals(reading):
            if name in reported or len(users.get(name, ())) < 2 or stateful.is_facade(change.value, reading):
                continue
            reported.add(name)
            node = change.node.parent or change.node
            for route in users[name]:
                route.problems.append(_problem(reading.module, State(node, f"globalThis.{name}")))


def _problem(module: Module, state: State) -> Problem:
    message, by_hand = f"{state.label}: every function has its own copy", _BY_HAND
    if state.random:
        message, by_hand = f"{message}, with a random value of its own.", _BY_HAND_RANDOM
    else:
        message = f"{message}, so a change by one route does not reach the others."
    return module.problem(state.node, "module-state", message, by_hand, Severity.WARNING)

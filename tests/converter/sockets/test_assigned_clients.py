"""A connection that one assignment puts into a variable is rewritten like a constant."""

from __future__ import annotations

from pathlib import Path

import pytest

from .driver import SERVER, open_sources

HANDLERS = SERVER + "io.on('connection', (s) => { s.on('hi', (n) => { io.emit('hi', n); }); });\n"
IMPORT = "import { io } from 'socket.io-client';\n"
USES = "socket.on('hi', (n) => console.log(n)); }\nexport function say() { socket.emit('hi', 1); }\n"
OPENED = "let socket;\nexport function open() { socket = io(); }\n"


@pytest.mark.parametrize("declared", ["let socket;", "let socket = null;", "var socket;"])
def test_a_variable_that_one_assignment_fills_is_rewritten(declared: str, tmp_path: Path) -> None:
    client = f"{IMPORT}{declared}\nexport function open() {{ socket = io(); {USES}"
    migration = open_sources(tmp_path, {"server.js": HANDLERS, "client.js": client}, apply=True)
    report = migration.run("frontend")
    assert report.problems == []
    text = (tmp_path / "client.js").read_text()
    assert "socket = new EventSource(" in text
    assert 'fetch("/sockets/server/hi"' in text
    assert "socket.io-client" not in text
    assert migration.run("generate").complete


@pytest.mark.parametrize(
    "code",
    [
        OPENED + "export function again() { socket = io(); }\n",
        OPENED + "export const get = () => socket;\n",
        OPENED + "export const say = () => socket?.emit('hi', 1);\n",
        OPENED + "export function end() { socket = null; }\n",
    ],
)
def test_a_variable_whose_uses_are_uncertain_is_left_alone(code: str, tmp_path: Path) -> None:
    files = {"server.js": HANDLERS, "client.js": IMPORT + code}
    report = open_sources(tmp_path, files, apply=True).run("frontend")
    assert {problem.code for problem in report.problems} == {"front-end"}
    assert (tmp_path / "client.js").read_text() == IMPORT + code

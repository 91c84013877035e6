"""A connection that one assignment puts into a variable is rewritten like a constant."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.javascript.syntax import parse

from .driver import SERVER, open_sources

HANDLERS = SERVER + "io.on('connection', (s) => { s.on('hi', (n) => { io.emit('hi', n); }); });\n"
IMPORT = "import { io } from 'socket.io-client';\n"
USES = "socket.on('hi', (n) => console.log(n)); }\nexport function say() { socket.emit('hi', 1); }\n"
OPENED = "let socket;\nexport function open() { socket = io(); }\n"


@pytest.mark.parametrize(
    "declared", ["let socket;", "let socket = null;", "var socket;", "let socket = undefined;"]
)
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


REACT = "import { useEffect, useRef, useState } from 'react';\n" + IMPORT
TYPED = "import { io, Socket } from 'socket.io-client';\n"
IN_A_CLASS = """export class Chat {
  FIELD
  open() { this.ws = io(); this.ws.on('hi', (n) => console.log(n)); }
  say() { if (this.ws) this.ws.emit('hi', 1); }
  close() { this.ws?.disconnect(); this.ws = null; }
}
"""
# What a file has, and a text that its rewritten form has to contain.
REWRITTEN = {
    "typed.ts": (
        TYPED + "let socket: Socket;\nexport function open() { socket = io(); " + USES,
        "let socket: EventSource;",
    ),
    "union.ts": (
        TYPED + "let socket: Socket<A, B> | null = null;\nexport function open() { socket = io(); " + USES,
        "let socket: EventSource | null = null;",
    ),
    "optional.js": (
        IMPORT + OPENED + "export const say = () => socket?.emit('hi', 1);\n",
        'socket && fetch("/sockets/server/hi"',
    ),
    "ended.js": (
        IMPORT + OPENED + "export function end() { if (socket) { socket.disconnect(); socket = null; } }\n",
        "socket.close(); socket = null;",
    ),
    "asked.js": (
        IMPORT + OPENED + "export const say = () => { if (!socket) return; socket.emit('hi', 1); };\n",
        "fetch(",
    ),
    "class.js": (IMPORT + IN_A_CLASS.replace("FIELD", "ws = null;"), "this.ws.id"),
    "class.ts": (
        TYPED + IN_A_CLASS.replace("FIELD", "private ws?: Socket | null;"),
        "EventSource & { id: string }",
    ),
    "ref.tsx": (
        REACT.replace("{ io }", "{ io, Socket }")
        + "export function Chat() { const ref = useRef<Socket | null>(null);\n"
        "useEffect(() => { ref.current = io(); ref.current.on('hi', (n) => console.log(n));\n"
        "return () => { ref.current?.disconnect(); ref.current = null; }; }, []);\n"
        "return <button onClick={() => ref.current?.emit('hi', 1)}>Hi</button>; }\n",
        "ref.current && fetch(",
    ),
    "state.jsx": (
        REACT + "export function Chat() { const [socket, setSocket] = useState(null);\n"
        "useEffect(() => { const s = io(); s.on('hi', (n) => console.log(n)); setSocket(s);\n"
        "return () => { s.disconnect(); setSocket(null); }; }, []);\n"
        "useEffect(() => { if (!socket) return; socket.emit('hi', 1); }, [socket]);\n"
        "return <button onClick={() => socket?.emit('hi', 2)}>Hi</button>; }\n",
        "socket.id",
    ),
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_what_holds_one_connection_is_rewritten(name: str, tmp_path: Path) -> None:
    code, expected = REWRITTEN[name]
    report = open_sources(tmp_path, {"server.js": HANDLERS, name: code}, apply=True).run("frontend")
    assert report.problems == []
    text = (tmp_path / name).read_text()
    assert expected in text
    assert "new EventSource(" in text
    assert [word for word in ("socket.io", "io()", ".emit(", ".on(") if word in text] == []
    assert not parse(name, text.encode()).root.has_error, text


def test_each_connection_of_a_class_has_its_own_id(tmp_path: Path) -> None:
    files = {"server.js": HANDLERS, "class.js": REWRITTEN["class.js"][0]}
    open_sources(tmp_path, files, apply=True).run("frontend")
    text = (tmp_path / "class.js").read_text()
    assert "Object.assign(new EventSource(`/sockets/server?id=${id}`), { id }))(crypto.randomUUID())" in text
    assert "const wsId" not in text


@pytest.mark.parametrize(
    "code",
    [
        OPENED + "export function again() { socket = io(); }\n",
        OPENED + "export const get = () => socket;\n",
        OPENED + "export const said = () => send(socket?.emit('hi', 1));\n",
        OPENED + "export const all = { socket };\n",
        OPENED + "let used;\nexport const keep = () => { used = [socket]; };\n",
        "class A { open() { this.ws = io(); } get() { return this.ws; } }\n",
        "class A { open() { this.ws = io(); } }\nexport const say = (a) => a.ws.emit('hi', 1);\n",
        "class A { open() { this.ws = io(); } say() { const { ws } = this; ws.emit('hi', 1); } }\n",
        "class A { open() { this.ws = io(); } } class B { open() { this.ws = io(); } }\n",
        "class A { ws = other(); open() { this.ws = io(); } }\n",
        "const r = useRef(null); r.current = io(); give(r);\n",
        "const r = useRef(other); r.current = io();\n",
        "const r = { current: null }; r.current = io();\n",
        "const [s, setS] = useState(null); setS(io()); give(setS);\n",
        "const [s, setS] = useState(null); setS(io()); setS(other);\n",
        "const [s, setS] = useState(null); setS(io()); give(s);\n",
        "const s = io(); give(s);\n",
        "const s = io(); s.on('hi', (x) => x).on('said', (x) => x);\n",
        "const s = io(); const same = s.on('hi', (x) => x);\n",
        "const s = io(); s.emit('hi', 1).emit('hi', 2);\n",
        "const s = io(); give(s.emit('hi', 1));\n",
    ],
)
def test_a_variable_whose_uses_are_uncertain_is_left_alone(code: str, tmp_path: Path) -> None:
    files = {"server.js": HANDLERS, "client.js": IMPORT + code}
    report = open_sources(tmp_path, files, apply=True).run("frontend")
    assert {problem.code for problem in report.problems} == {"front-end"}
    assert (tmp_path / "client.js").read_text() == IMPORT + code


def test_a_type_that_is_more_than_a_socket_is_left_alone(tmp_path: Path) -> None:
    code = TYPED + "let socket: Mine<Socket>;\nexport function open() { socket = io(); " + USES
    report = open_sources(tmp_path, {"server.js": HANDLERS, "client.ts": code}, apply=True).run("frontend")
    assert report.problems
    assert (tmp_path / "client.ts").read_text() == code

"""Servers are analysed; code that cannot be converted is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.problems import Severity

from .driver import IO, SERVER, WS, migrate_copy, open_sources


def _on_a(code: str) -> str:
    return f"{SERVER}io.on('connection', (s) => {{ s.on('a', () => {code}); }});"


UNCONVERTED = [
    ("who-may-connect", 2, WS + "const wss = new WebSocketServer({ verifyClient: () => true });\n{ws}"),
    ("who-may-connect", 3, WS + "const wss = new WebSocketServer({});\nhttp.on('upgrade', (a) => {});\n{ws}"),
    ("server-code", 3, SERVER + "io.use((socket, next) => next());\n{io}"),
    ("server-code", 3, SERVER + "const chat = io.of('/chat');\n{io}"),
    ("server-code", 3, SERVER + "setInterval(() => io.emit('time'), 5000);\n{io}"),
    ("server-code", 3, SERVER + "export function tell() { io.emit('told'); }\n{io}"),
    ("server-code", 4, SERVER + "{io}\nio.on('connection', (s) => s.on('b', f));"),
    ("server", 2, IO + "boot(new Server(1));\n"),
    ("connection-code", 4, SERVER + "io.on('connection', (s) => {\n  const t = setInterval(f);\n});"),
    ("connection-state", 3, _on_a("{ s.data.a = 1; }")),
    ("no-counterpart", 3, _on_a("s.disconnect()")),
    ("no-counterpart", 3, _on_a("io.in('r').fetchSockets()")),
    ("who-may-connect", 3, _on_a("s.handshake.auth.token")),
    ("scope", 4, IO + "function start(http) {\n  const io = new Server(http); const all = {};\n"
     "  io.on('connection', (s) => { s.on('a', () => io.emit('b', all)); });\n}"),
    ("no-counterpart", 3, WS + "const wss = new WebSocketServer({});\n"
     "wss.on('connection', (s) => { s.on('message', () => s.send(wss.clients.size)); });"),
    ("binary", 3, WS + "const wss = new WebSocketServer({});\n"
     "wss.on('connection', (s) => { s.on('message', (d) => s.send(d, { binary: true })); });"),
]  # fmt: skip


def test_a_ws_server_is_analysed(tmp_path: Path) -> None:
    report = migrate_copy("chat", tmp_path / "chat")["analyse"]
    (server,) = report.facts["servers"]
    assert (server["library"], server["file"], server["line"]) == ("ws", "server.js", 6)
    assert [(h["event"], h["becomes"]) for h in server["handlers"]] == [
        ("message", "a POST function and an SSE channel"),
        ("connection", "an SSE channel"),
    ]
    assert report.complete


def test_state_of_a_connection_is_reported(tmp_path: Path) -> None:
    report = migrate_copy("rooms", tmp_path / "rooms")["analyse"]
    (server,) = report.facts["servers"]
    assert {h["event"]: (h["becomes"], h["generated"]) for h in server["handlers"]} == {
        "vote": ("a POST function and an SSE channel", True),
        "typing": ("a POST function and an SSE channel", True),
        "choices": ("a POST function", True),
        "name": ("a POST function", False),
        "count": ("a POST function", False),
        "join": ("a POST function", False),
    }
    assert [(p.file, p.line, p.code) for p in report.problems] == [
        ("server.ts", 7, "cors"),
        ("server.ts", 9, "module-state"),
        ("server.ts", 28, "connection-state"),
        ("server.ts", 33, "room"),
        ("server.ts", 34, "connection-end"),
    ]
    assert all(p.by_hand for p in report.problems)


@pytest.mark.parametrize(("code", "line", "text"), UNCONVERTED)
def test_unconverted_code_is_reported(code: str, line: int, text: str, tmp_path: Path) -> None:
    text = text.replace("{ws}", "wss.on('connection', (s) => { s.on('message', (d) => s.send('a')); });")
    text = text.replace("{io}", "io.on('connection', (s) => { s.on('a', () => io.emit('b')); });")
    report = open_sources(tmp_path, {"server.js": text}).run("analyse")
    errors = [(p.file, p.line, p.code) for p in report.problems if p.severity == Severity.ERROR]
    assert errors == [("server.js", line, code)]
    assert all(p.by_hand for p in report.problems)


def test_starting_and_logging_code_is_not_reported(tmp_path: Path) -> None:
    text = SERVER + "const hear = (s) => { s.on('a', () => tell('b')); s.on('error', console.error); };\n"
    text += "function tell(name) { io.sockets.emit(name); }\nio.sockets.on('connection', hear);\n"
    text += (
        "io.on('close', () => console.log('closed'));\nio.listen(1);\nexport default io;\nexport { io };\n"
    )
    report = open_sources(tmp_path, {"server.js": text}).run("analyse")
    assert report.complete, report.problems
    assert [h["becomes"] for h in report.facts["servers"][0]["handlers"]] == [
        "a POST function and an SSE channel"
    ]


def test_each_server_of_a_file_is_found(tmp_path: Path) -> None:
    text = WS + "const a = new WebSocketServer({ port: 1 });\nconst b = new WebSocketServer({ port: 2 });\n"
    text += "a.on('connection', (s) => { s.on('message', (d) => s.send('a')); });\n"
    text += "b.on('connection', (s) => { s.on('message', (d) => s.send('b')); });\n"
    report = open_sources(tmp_path, {"server.js": text}).run("analyse")
    assert [(s["url"], s["line"]) for s in report.facts["servers"]] == [
        ("/sockets/server", 2),
        ("/sockets/server-2", 3),
    ]


def test_state_of_an_imported_module_is_reported(tmp_path: Path) -> None:
    text = "import { seen } from './seen.js';\n" + SERVER
    text += "io.on('connection', (s) => { s.on('a', (x) => { seen.push(x); io.emit('b', seen); }); });"
    files = {"server.js": text, "seen.js": "export const seen = [];\n"}
    report = open_sources(tmp_path, files).run("analyse")
    assert [(p.file, p.line, p.code, p.severity) for p in report.problems] == [
        ("seen.js", 1, "module-state", Severity.WARNING)
    ]


CALLED = [
    "const io = require('socket.io')(3000);\n",
    "const io = require('socket.io').listen(3000);\n",
    "const io = new (require('socket.io').Server)(3000);\n",
    "const io = new (require('socket.io'))(3000);\n",
    "const socketio = require('socket.io');\nconst io = socketio.listen(3000);\n",
    "var io = require('socket.io')(require('http').createServer());\n",
]


@pytest.mark.parametrize("server", CALLED)
def test_a_server_created_by_a_call_of_require_is_found(server: str, tmp_path: Path) -> None:
    text = server + "io.on('connection', (s) => { s.on('hi', (n) => { io.emit('hi', n); }); });\n"
    migration = open_sources(tmp_path, {"server.cjs": text}, apply=True)
    report = migration.run("analyse")
    (found,) = report.facts["servers"]
    assert (found["line"], [h["becomes"] for h in found["handlers"]]) == (
        server.count("\n"),
        ["a POST function and an SSE channel"],
    )
    assert report.complete
    assert all(migration.run(step).complete for step in ("generate", "test"))


@pytest.mark.parametrize(
    "code", ["start(require('socket.io'));\n", "import start from 'socket.io';\nrun(start);\n"]
)
def test_a_library_without_a_recognized_server_is_reported(code: str, tmp_path: Path) -> None:
    report = open_sources(tmp_path, {"server.js": code}).run("analyse")
    assert [(p.line, p.code, p.severity) for p in report.problems] == [(1, "server", Severity.ERROR)]
    assert not report.complete


@pytest.mark.parametrize(
    "code",
    [
        "require('express-ws')(app);\napp.ws('/', (ws) => ws.on('message', f));\n",
        "import io from 'fastify-socket.io';\nfastify.register(io);\n",
        "import websocket from '@fastify/websocket';\nfastify.register(websocket);\n",
        "import { WebSocketGateway } from '@nestjs/websockets';\n@WebSocketGateway()\nexport class Chat {}\n",
    ],
)
def test_a_server_of_another_library_is_reported(code: str, tmp_path: Path) -> None:
    report = open_sources(tmp_path, {"server.ts": code}).run("analyse")
    assert [(p.line, p.code, p.severity) for p in report.problems] == [(1, "server", Severity.ERROR)]
    assert not report.complete


def test_types_of_a_library_are_no_server(tmp_path: Path) -> None:
    text = "import { Server } from 'socket.io';\nexport const f = (io: Server) => io;\n"
    assert open_sources(tmp_path, {"a.ts": text, "b.js": "export {};"}).run("analyse").problems == []


def _started(declarations: str, handler: str) -> str:
    text = IO + f"export function start(http) {{\n  const io = new Server(http);\n{declarations}"
    return text + f"  io.on('connection', (s) => {{ s.on('hi', (n, ack) => {{ {handler} }}); }});\n}}\n"


INDEPENDENT = [
    "  const say = (n) => n + '!';\n",
    "  function say(n) { return loud(n); }\n  const loud = (n) => n + '!';\n",
]


@pytest.mark.parametrize("declarations", INDEPENDENT)
def test_a_handler_takes_an_independent_function_along(declarations: str, tmp_path: Path) -> None:
    text = _started(declarations, "ack(say(n));")
    migration = open_sources(tmp_path, {"server.js": text}, apply=True)
    assert migration.run("analyse").problems == []
    assert all(migration.run(step).complete for step in ("generate", "test"))
    generated = "".join(path.read_text() for path in (tmp_path / "netlify").rglob("server.on-hi*"))
    assert "n + '!'" in generated


DEPENDENT = [
    "  const mark = http.mark;\n  const say = (n) => n + mark;\n",
    "  let count = 0;\n  function say(n) { return n + count++; }\n",
    "  const say = (n) => n + http.mark;\n",
    "  function say(n) { return this.mark + n; }\n",
]


@pytest.mark.parametrize("declarations", DEPENDENT)
def test_a_function_that_reads_what_is_around_it_is_refused(declarations: str, tmp_path: Path) -> None:
    report = open_sources(tmp_path, {"server.js": _started(declarations, "ack(say(n));")}).run("analyse")
    assert [problem.code for problem in report.problems] == ["scope"]


KEPT = [
    "const make = () => { let n = 0; return () => ++n; };\nconst inc = make();\n",
    "const all = [{ n: 1 }];\nconst inc = () => { all[0].n++; };\n",
    "const all = { n: 1 };\nconst inc = () => { all.n++; };\n",
    "class C { n = 0; inc() { return ++this.n; } }\nconst c = new C();\nconst inc = () => c.inc();\n",
    "import { make } from './makers.js';\nconst inc = make();\n",
]


@pytest.mark.parametrize("code", KEPT)
def test_state_in_closures_and_objects_is_reported(code: str, tmp_path: Path) -> None:
    handler = "io.on('connection', (s) => { s.on('hi', () => { io.emit('hi', inc()); }); });\n"
    files = {
        "server.js": SERVER + code + handler,
        "makers.js": "export const make = () => { let n = 0; return () => ++n; };\n",
    }
    report = open_sources(tmp_path, files).run("analyse")
    assert [problem.code for problem in report.problems] == ["module-state"]


UNCHANGED = [
    "let inc = () => 1;\n",
    "const LABELS = new Map([['a', 1]]);\nconst inc = () => LABELS.get('a');\n",
    "import Redis from 'ioredis';\nconst redis = new Redis();\nconst inc = () => redis.set('a', 1);\n",
]


@pytest.mark.parametrize("code", UNCHANGED)
def test_what_does_not_change_is_no_state(code: str, tmp_path: Path) -> None:
    handler = "io.on('connection', (s) => { s.on('hi', () => { io.emit('hi', inc()); }); });\n"
    report = open_sources(tmp_path, {"server.js": SERVER + code + handler}).run("analyse")
    assert report.problems == []

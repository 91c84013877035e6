"""A server is found however it is created and held, and what else is done with it is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from .driver import IO, open_sources

ON = "io.on('connection', (s) => { s.on('hi', (n) => { io.emit('hi', n); }); });\n"
UNNAMED = ".on('connection', (s) => { s.on('hi', (n, ack) => { ack(n); s.broadcast.emit('hi', n); }); });\n"
HUB = """import { Server } from 'socket.io';
export class Hub {
  FIELD
  constructor(http) { CREATE; this.listen(); }
  listen() { this.io.on('connection', (s) => { s.on('hi', (n) => { this.io.emit('hi', n); }); }); }
}
"""
SERVERS = {
    "let.cjs": "const socketio = require('socket.io');\nlet io;\nio = socketio(http);\n" + ON,
    "var.cjs": "var io = null;\nio = require('socket.io')(http);\n" + ON,
    "let.js": IO + "let io;\nexport function start(http) {\n  io = new Server(http);\n" + ON + "}\n",
    "choice.js": IO + "let io;\nif (ssl) { io = new Server(ssl); } else { io = new Server(1); }\n" + ON,
    "either.js": IO + "const io = ssl ? new Server(ssl) : new Server(1);\n" + ON,
    "once.js": IO + "let io;\nio ??= new Server(1);\n" + ON,
    "typed.ts": IO + "const io = new Server(1) as Server;\n" + ON,
    "chained.cjs": "require('socket.io')(3000)" + UNNAMED,
    "chained.js": IO + "new Server(3000)" + UNNAMED,
    "sockets.cjs": "require('socket.io')(3000).sockets" + UNNAMED,
    "listened.cjs": "require('socket.io').listen(3000)" + UNNAMED,
    "held-chain.cjs": "const io = require('socket.io')(3000).on('connection', (s) => {\n"
    "  s.on('hi', (n) => { io.emit('hi', n); });\n});\n",
    "field.js": HUB.replace("FIELD", "").replace("CREATE", "this.io = new Server(http)"),
    "field.ts": HUB.replace("FIELD", "private io: Server;")
    .replace("CREATE", "this.io = new Server(http)")
    .replace("(http)", "(http: any)", 1),
    "initial.js": HUB.replace("FIELD", "io = new Server(3000);").replace("CREATE;", ""),
    "app.cjs": "const app = {};\napp.io = require('socket.io')();\n" + ON.replace("io.", "app.io."),
    "exported.cjs": "exports.io = require('socket.io')();\n" + ON.replace("io.", "exports.io."),
    "awaited.js": "const { Server } = await import('socket.io');\nconst io = new Server(1);\n" + ON,
    "awaited-inside.cjs": "async function start(http) {\n  const { Server } = await import('socket.io');\n"
    "  const io = new Server(http);\n" + ON + "}\nstart();\n",
    "awaited-default.js": "const io = (await import('socket.io')).default(http);\n" + ON,
    "awaited-member.js": "const io = new (await import('socket.io')).Server(1);\n" + ON,
    "awaited-whole.js": "const lib = await import('socket.io');\nconst io = new lib.Server(1);\n" + ON,
    "then.js": "import('socket.io').then(({ Server }) => {\n  const io = new Server(1);\n" + ON + "});\n",
    "then-whole.js": "import('socket.io').then((lib) => {\n  const io = new lib.Server(1);\n" + ON + "});\n",
    "member.cjs": "const Server = require('socket.io').Server;\nconst io = new Server(1);\n" + ON,
    "alias.cjs": "const lib = require('socket.io');\nconst { Server: S } = lib;\nconst io = new S(1);\n" + ON,
    "alias.js": IO + "const Make = Server;\nconst io = new Make(1);\n" + ON,
    "two-names.cjs": "const io = module.exports = require('socket.io')(1);\n" + ON,
}


@pytest.mark.parametrize("name", SERVERS)
def test_a_server_is_converted_however_it_is_held(name: str, tmp_path: Path) -> None:
    migration = open_sources(tmp_path, {name: SERVERS[name]}, apply=True)
    report = migration.run("analyse")
    assert report.problems == []
    (server,) = report.facts["servers"]
    assert [(h["event"], h["generated"]) for h in server["handlers"]] == [("hi", True)]
    assert all(migration.run(step).complete for step in ("generate", "test"))


WS = {
    "member.cjs": "const WebSocketServer = require('ws').Server;\n"
    "const io = new WebSocketServer({ port: 1 });\n",
    "alias.js": "import WebSocket from 'ws';\nconst S = WebSocket.Server;\nconst io = new S({ port: 1 });\n",
    "awaited.js": "const { WebSocketServer } = await import('ws');\nlet io;\n"
    "io = new WebSocketServer({ port: 1 });\n",
    "chained.js": "import { WebSocketServer } from 'ws';\nconst io = new WebSocketServer({ port: 1 })"
    ".on('error', console.error);\n",
}


@pytest.mark.parametrize("name", WS)
def test_a_server_of_ws_is_converted_however_it_is_made(name: str, tmp_path: Path) -> None:
    code = WS[name] + "io.on('connection', (s) => { s.on('message', (d) => { s.send(`${d}!`); }); });\n"
    migration = open_sources(tmp_path, {name: code}, apply=True)
    assert migration.run("analyse").problems == []
    assert all(migration.run(step).complete for step in ("generate", "test"))
    assert (tmp_path / f"netlify/functions/{Path(name).stem}-message.mjs").is_file()


CREATE = IO + "const io = new Server(1);\n"
REFUSED = [
    (
        "server-code",
        {"a.js": IO + "let io;\nio = new Server(1);\nsetInterval(() => io.emit('t'), 9);\n" + ON},
    ),
    (
        "server-code",
        {
            "a.js": IO
            + "let io;\nfunction start() {\n io = new Server(1);\n"
            + ON
            + "}\nexport function say() { io.emit('hi'); }\n"
        },
    ),
    (
        "server-code",
        {
            "a.js": HUB.replace("FIELD", "say() { this.io.emit('hi'); }").replace(
                "CREATE", "this.io = new Server(http)"
            )
        },
    ),
    ("server-code", {"a.cjs": "require('socket.io')(1).use(check)" + UNNAMED}),
    ("who-may-connect", {"a.js": IO + "let io;\nio = new Server(1, { allowRequest });\n" + ON}),
    ("who-may-connect", {"a.js": IO + "const o = { allowRequest: f };\nconst io = new Server(1, o);\n" + ON}),
    (
        "scope",
        {
            "a.js": HUB.replace("FIELD", "")
            .replace("CREATE", "this.io = new Server(http)")
            .replace("'hi', n)", "'hi', this.n)")
        },
    ),
    (
        "scope",
        {"a.js": CREATE + ON.replace("(n) => { io.emit('hi', n); }", "function (n) { this.emit('hi', n); }")},
    ),
    (
        "server",
        {"a.js": "import { WebSocketServer } from 'ws';\nclass S extends WebSocketServer {}\nnew S();\n"},
    ),
    ("server", {"a.js": IO + "boot(new Server(1));\n"}),
    ("no-connection", {"a.js": IO + "export let io;\nio = new Server(1);\n"}),
    ("server", {"a.cjs": "require('socket.io')(1).of('/a')" + UNNAMED}),
    (
        "server-code",
        {"a.js": CREATE + ON + "export { io };\n", "b.js": "import { io } from './a.js';\nio.emit('hi');\n"},
    ),
    (
        "server-code",
        {"a.js": CREATE + ON + "export default io;\n", "b.js": "import s from './a.js';\ns.emit('hi');\n"},
    ),
    (
        "server-code",
        {
            "a.cjs": "const io = require('socket.io')(1);\n" + ON + "module.exports = { get: () => io };\n",
            "b.cjs": "const { get } = require('./a.cjs');\nget().emit('hi');\n",
        },
    ),
    (
        "server-code",
        {
            "a.cjs": "const io = require('socket.io')(1);\n" + ON + "module.exports = io;\n",
            "b.cjs": "require('./a.cjs').emit('hi');\n",
        },
    ),
    (
        "server-code",
        {
            "a.cjs": "exports.io = require('socket.io')();\n" + ON.replace("io.", "exports.io."),
            "b.cjs": "const a = require('./a.cjs');\na.io.emit('hi');\n",
        },
    ),
]


@pytest.mark.parametrize(("code", "files"), REFUSED)
def test_what_else_is_done_with_a_server_is_reported(
    code: str, files: dict[str, str], tmp_path: Path
) -> None:
    report = open_sources(tmp_path, files).run("analyse")
    assert [problem.code for problem in report.problems] == [code]
    assert "_io" not in report.problems[0].message


def test_a_server_that_others_only_start_is_complete(tmp_path: Path) -> None:
    files = {
        "a.js": CREATE + ON + "export { io };\n",
        "b.js": "import { io } from './a.js';\nio.attach(http);\n",
    }
    assert open_sources(tmp_path, files).run("analyse").problems == []

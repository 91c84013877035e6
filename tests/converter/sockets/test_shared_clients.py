"""Connections that several files use, that a page's script opens, and whose listeners are removed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from converter.javascript.syntax import parse
from tests.converter import node

from .driver import SERVER, open_sources

HANDLERS = (
    SERVER + "io.on('connection', (s) => { s.on('hi', (n, ack) => { io.emit('hi', n); ack(n); }); });\n"
)
IMPORT = "import { io } from 'socket.io-client';\n"
USES = "socket.on('hi', (n) => console.log(n));\nsocket.emit('hi', 1);\n"
LEFT = ("socket.io-client", "io(", ".emit(", ".on(", ".once(", ".off(", ".removeAll")

# Files of a front end, of which all are rewritten.
REWRITTEN = {
    "exported": {
        "a.js": IMPORT + "export const socket = io();\n",
        "b.js": "import { socket } from './a.js';\n" + USES,
    },
    "exported below": {
        "a.js": IMPORT + "const s = io();\ns.on('hi', f);\nexport { s as socket };\n",
        "b.js": "import { socket } from './a.js';\n" + USES,
    },
    "default": {
        "a.js": IMPORT + "const s = io();\nexport default s;\n",
        "b.js": "import socket from './a.js';\n" + USES,
    },
    "assigned": {
        "a.js": IMPORT + "export let socket;\nexport function open() { socket = io(); }\n",
        "b.js": "import { socket as c } from './a.js';\n" + USES.replace("socket", "c"),
    },
    "commonjs": {
        "a.cjs": "const { io } = require('socket.io-client');\nconst socket = io();\n"
        "module.exports = { socket };\n",
        "b.cjs": "const { socket } = require('./a.cjs');\n" + USES,
    },
    "typed": {
        "a.ts": "import { io, Socket } from 'socket.io-client';\nexport const socket: Socket = io();\n",
        "b.tsx": "import { socket } from './a';\nexport const B = () => {\n  useEffect(() => {\n"
        "    const f = (n: number) => n;\n"
        "    socket.on('hi', f);\n    return () => { socket.off('hi', f); };\n  }, []);\n"
        "  return <p />;\n};\n",
    },
    "script": {"a.js": "const socket = io();\n" + USES},
    "script of a window": {"a.js": "const socket = window.io('/');\n" + USES},
    "connect": {"a.js": "var socket = io.connect('http://localhost');\n".replace("var", "const") + USES},
    "imported connect": {"a.js": "import io from 'socket.io-client';\nconst socket = io.connect();\n" + USES},
    "required call": {"a.cjs": "const socket = require('socket.io-client')('/');\n" + USES},
    "memo": {
        "a.jsx": IMPORT
        + "export function A() {\n  const socket = useMemo(() => io(), []);\n  useEffect(() => {\n"
        "    socket.on('hi', f);\n    return () => socket.off('hi', f);\n  }, [socket]);\n"
        "  return <button onClick={() => socket.emit('hi', 1)} />;\n}\n"
    },
    "typed memo": {
        "a.tsx": "import { io, Socket } from 'socket.io-client';\nexport function A() {\n"
        "  const socket = React.useMemo<Socket>(() => io(), []);\n  socket.emit('hi', 1);\n"
        "  return null;\n}\n"
    },
    "state": {
        "a.jsx": IMPORT
        + "function A() {\n  const [socket] = useState(() => io());\n  socket.emit('hi', 1);\n}\n"
    },
    "state at once": {
        "a.jsx": IMPORT + "function A() {\n  const [socket] = useState(io());\n  socket.emit('hi', 1);\n}\n"
    },
    "ref": {"a.jsx": IMPORT + "function A() {\n  const r = useRef(io());\n  r.current.emit('hi', 1);\n}\n"},
    "once": {"a.js": IMPORT + "const socket = io();\nsocket.once('hi', f);\nsocket.once('connect', g);\n"},
    "off": {
        "a.js": IMPORT
        + "const socket = io();\nsocket.on('hi', f);\nsocket.off('hi', f);\nsocket.off('hi');\n"
        "socket.off();\n"
    },
    "removed": {
        "a.js": IMPORT + "const socket = io();\nsocket.on('hi', f);\nsocket.removeListener('hi', f);\n"
        "socket.removeAllListeners('hi');\nsocket.removeAllListeners();\n"
    },
    "optional off": {
        "a.js": IMPORT + "let socket;\nexport const open = () => { socket = io(); };\nsocket?.on('hi', f);\n"
        "socket?.off('hi', f);\n"
    },
    "facts": {
        "a.js": IMPORT
        + "const socket = io();\nif (socket.connected) console.log(socket.id, socket.disconnected);\n"
    },
}


@pytest.mark.parametrize("name", REWRITTEN)
def test_every_file_of_a_connection_is_rewritten(name: str, tmp_path: Path) -> None:
    files = REWRITTEN[name]
    report = open_sources(tmp_path, {"server.js": HANDLERS, **files}, apply=True).run("frontend")
    assert report.problems == []
    for file in files:
        text = (tmp_path / file).read_text()
        assert [word for word in LEFT if word in text] == []
        assert not parse(file, text.encode()).root.has_error, text


UNCERTAIN = {
    "whole module": {
        "a.js": IMPORT + "export const socket = io();\n",
        "b.js": "import * as a from './a.js';\na.socket.emit('hi', 1);\n",
    },
    "re-exported": {"a.js": IMPORT + "export const socket = io();\n", "b.js": "export * from './a.js';\n"},
    "imported later": {
        "a.js": IMPORT + "export const socket = io();\n",
        "b.js": "const { socket } = await import('./a.js');\n",
    },
    "passed on by an importer": {
        "a.js": IMPORT + "export const socket = io();\n",
        "b.js": "import { socket } from './a.js';\ngive(socket);\n",
    },
    "shared scripts": {"a.js": "const socket = io();\n", "b.js": "socket.emit('hi', 1);\n"},
    "script": {"a.js": "const socket = io({ auth: { t: 1 } });\nsocket.emit('hi', 1);\n"},
    "not held": {"a.js": "export const open = () => io();\n"},
    "manager": {
        "a.js": "import { Manager } from 'socket.io-client';\nconst socket = new Manager('/').socket('/');\n"
    },
    "another package": {
        "a.js": "import useWebSocket from 'react-use-websocket';\n"
        "const { sendMessage } = useWebSocket('/');\n"
    },
    "in node": {
        "a.js": "import WebSocket from 'ws';\nconst s = new WebSocket('ws://localhost');\ns.send('a');\n"
    },
    "memo that escapes": {
        "a.jsx": IMPORT + "function A() {\n  const s = useMemo(() => io(), []); return <B socket={s} />; }\n"
    },
    "setter": {
        "a.jsx": IMPORT
        + "function A() { const [s, setS] = useState(() => io()); setS(other); s.emit('hi', 1); }\n"
    },
    "ref that escapes": {"a.jsx": IMPORT + "function A() { const r = useRef(io()); give(r); }\n"},
    "assigned id": {"a.js": IMPORT + "const socket = io();\nsocket.id = 3;\n"},
}


@pytest.mark.parametrize("name", UNCERTAIN)
def test_an_uncertain_connection_is_left_alone(name: str, tmp_path: Path) -> None:
    files = UNCERTAIN[name]
    report = open_sources(tmp_path, {"server.js": HANDLERS, **files}, apply=True).run("frontend")
    assert {problem.code for problem in report.problems} == {"front-end"}
    assert {file: (tmp_path / file).read_text() for file in files} == files


def test_a_name_of_ones_own_is_no_client(tmp_path: Path) -> None:
    files = {"server.js": HANDLERS, "a.js": "const io = (n) => n;\nexport const socket = io(1);\n"}
    report = open_sources(tmp_path, files).run("frontend")
    assert report.problems == []
    assert report.facts["files"] == []


PLAY = """
globalThis.EventSource = class extends EventTarget { readyState = 1; };
const heard = [];
const f = (n) => heard.push(['f', n]);
const g = (n) => heard.push(['g', n]);
CODE
const tell = (n) => socket.dispatchEvent(new MessageEvent('hi', { data: JSON.stringify([n]) }));
STEPS
console.log(JSON.stringify(heard));
"""
STEPS = [
    ("socket.on('hi', f);", "tell(1); tell(2);", [["f", 1], ["f", 2]]),
    ("socket.once('hi', f);", "tell(1); tell(2);", [["f", 1]]),
    ("socket.on('hi', f); socket.on('hi', g); socket.off('hi', f);", "tell(1);", [["g", 1]]),
    ("socket.once('hi', f); socket.off('hi', f);", "tell(1);", []),
    ("socket.on('hi', f); socket.on('hi', g); socket.off('hi');", "tell(1);", []),
    ("socket.on('hi', f); socket.removeAllListeners();", "tell(1);", []),
    ("socket.on('hi', f); socket.off('bye', f); socket.off('bye');", "tell(1);", [["f", 1]]),
]


@pytest.mark.parametrize(("code", "steps", "expected"), STEPS)
def test_listeners_are_removed_as_those_of_socket_io(
    code: str, steps: str, expected: list[object], tmp_path: Path
) -> None:
    files = {"server.js": HANDLERS, "a.js": f"const socket = io();\n{code}\n"}
    open_sources(tmp_path, files, apply=True).run("frontend")
    script = PLAY.replace("CODE", (tmp_path / "a.js").read_text()).replace("STEPS", steps)
    command = [node.program("node"), "--input-type=module", "-e", script]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert json.loads(result.stdout) == expected


def test_a_listener_without_a_counterpart_is_left_out_with_a_warning(tmp_path: Path) -> None:
    client = (
        IMPORT + "const socket = io();\nsocket.on('disconnect', () => { socket.emit('hi', 0); });\n"
        "socket.on('hi', f);\n"
    )
    migration = open_sources(tmp_path, {"server.js": HANDLERS, "a.js": client}, apply=True)
    report = migration.run("frontend")
    assert [(p.line, str(p.severity)) for p in report.problems] == [(3, "warning")]
    text = (tmp_path / "a.js").read_text()
    assert "disconnect" not in text
    assert "fetch(" not in text
    assert 'addEventListener("hi"' in text


PAGE = """<!doctype html>
<ul></ul>
<script src="/socket.io/socket.io.js"></script>
<script>
  var socket = io();
  socket.on('hi', (n) => { say(n); });
  socket.off('hi', f);
</script>
<script type="text/template"><b>{{ socket.emit }}</b></script>
<script>socket.emit('hi', '</p>');</script>
"""


def test_the_scripts_of_a_page_are_rewritten(tmp_path: Path) -> None:
    migration = open_sources(tmp_path, {"server.js": HANDLERS, "page.html": PAGE}, apply=True)
    assert migration.run("analyse").problems == []
    assert migration.run("frontend").problems == []
    text = (tmp_path / "page.html").read_text()
    assert text.startswith("<!doctype html>\n<ul></ul>\n<script>\n")
    assert "{{ socket.emit }}" in text
    assert [word for word in ("socket.io", "io()", "socket.on(", "socket.emit('hi'") if word in text] == []


def test_the_tag_of_the_client_is_removed_with_its_last_use(tmp_path: Path) -> None:
    page = (
        '<script src="https://cdn.socket.io/4.7.2/socket.io.min.js" defer></script>\n'
        '<script src="a.js"></script>\n'
    )
    files = {"server.js": HANDLERS, "page.html": page, "a.js": "const socket = io();\n" + USES}
    migration = open_sources(tmp_path, files, apply=True)
    assert migration.run("analyse").problems == []
    assert migration.run("frontend").problems == []
    assert (tmp_path / "page.html").read_text() == '<script src="a.js"></script>\n'


LEFT_PAGES = [
    PAGE.replace("<ul>", "<ul onclick=\"socket.emit('hi', 1)\">"),
    PAGE.replace("io()", "io({ auth: 1 })"),
    PAGE.replace("say(n)", "give(socket)"),
]


@pytest.mark.parametrize("page", LEFT_PAGES)
def test_an_uncertain_page_is_left_alone(page: str, tmp_path: Path) -> None:
    migration = open_sources(tmp_path, {"server.js": HANDLERS, "page.html": page}, apply=True)
    report = migration.run("frontend")
    assert {problem.code for problem in report.problems} == {"front-end"}
    assert (tmp_path / "page.html").read_text() == page


@pytest.mark.parametrize("event", ["chat message", "user:joined", "größe", "a/b"])
def test_a_page_posts_to_the_address_of_the_function(event: str, tmp_path: Path) -> None:
    server = HANDLERS.replace("'hi', (n, ack)", f"'{event}', (n, ack)")
    client = f"const socket = io();\nsocket.emit('{event}', 1);\n"
    migration = open_sources(tmp_path, {"server.js": server, "a.js": client}, apply=True)
    assert all(migration.run(step).complete for step in ("generate", "frontend", "test"))
    functions = [path.read_text() for path in (tmp_path / "netlify/functions").glob("server-*.mjs")]
    (address,) = [json.loads(text.partition("config = ")[2].rstrip(";\n"))["path"] for text in functions]
    assert f'fetch("{address}"' in (tmp_path / "a.js").read_text()


def test_a_second_handler_of_an_event_is_reported(tmp_path: Path) -> None:
    server = HANDLERS.replace("(s) => {", "(s) => { s.on('hi', (n) => { io.emit('again', n); });")
    report = open_sources(tmp_path, {"server.js": server}).run("analyse")
    assert [problem.code for problem in report.problems] == ["handler"]

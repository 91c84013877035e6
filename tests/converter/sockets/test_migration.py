"""A WebSocket server becomes functions: what is certain is done, what is not is listed."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from converter.problems import Severity
from converter.sockets.migration import STEPS, Migration, open_migration

from .driver import CORPUS, function_server, migrate_copy


def _tree(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_ws_server_is_understood(tmp_path: Path) -> None:
    report = migrate_copy("chat", tmp_path / "chat")["analyse"]
    (server,) = report.facts["servers"]
    assert (server["library"], server["file"], server["line"]) == ("ws", "server.js", 6)
    assert [(h["event"], h["becomes"]) for h in server["handlers"]] == [
        ("message", "a POST function and an SSE channel"),
        ("connection", "an SSE channel"),
    ]
    assert report.complete


def test_what_a_function_cannot_keep_is_named(tmp_path: Path) -> None:
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


def _analysed(directory: Path, files: dict[str, str], *, apply: bool = False) -> Migration:
    files = {"package.json": '{"type": "module", "dependencies": {"ws": "8", "socket.io": "4"}}', **files}
    for name, text in files.items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text)
    return open_migration(directory, None, apply=apply)


WS = "import WebSocket, { WebSocketServer } from 'ws';\n"
IO = "import { Server } from 'socket.io';\n"
SERVER = IO + "const io = new Server(1);\n"
LAST = "io.on('connection', (s) => { s.on('a', () => io.emit('b')); });"


def _on_a(code: str) -> str:
    return f"{SERVER}io.on('connection', (s) => {{ s.on('a', () => {code}); }});"


LOST = [
    ("who-may-connect", 2, WS + "const wss = new WebSocketServer({ verifyClient: () => true });\n{ws}"),
    ("who-may-connect", 3, WS + "const wss = new WebSocketServer({});\nhttp.on('upgrade', (a) => {});\n{ws}"),
    ("server-code", 3, SERVER + "io.use((socket, next) => next());\n{io}"),
    ("server-code", 3, SERVER + "const chat = io.of('/chat');\n{io}"),
    ("server-code", 3, SERVER + "setInterval(() => io.emit('time'), 5000);\n{io}"),
    ("server-code", 3, SERVER + "export function tell() { io.emit('told'); }\n{io}"),
    ("server-code", 4, SERVER + "{io}\nio.on('connection', (s) => s.on('b', f));"),
    ("server", 2, IO + "class Hub { constructor() { this.io = new Server(1); } }\n"),
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


@pytest.mark.parametrize(("code", "line", "text"), LOST)
def test_nothing_of_a_server_is_lost_without_a_word(code: str, line: int, text: str, tmp_path: Path) -> None:
    text = text.replace("{ws}", "wss.on('connection', (s) => { s.on('message', (d) => s.send('a')); });")
    text = text.replace("{io}", "io.on('connection', (s) => { s.on('a', () => io.emit('b')); });")
    report = _analysed(tmp_path, {"server.js": text}).run("analyse")
    errors = [(p.file, p.line, p.code) for p in report.problems if p.severity == Severity.ERROR]
    assert errors == [("server.js", line, code)]
    assert all(p.by_hand for p in report.problems)


def test_what_starts_a_server_and_what_only_logs_is_no_loss(tmp_path: Path) -> None:
    text = SERVER + "const hear = (s) => { s.on('a', () => tell('b')); s.on('error', console.error); };\n"
    text += "function tell(name) { io.sockets.emit(name); }\nio.sockets.on('connection', hear);\n"
    text += (
        "io.on('close', () => console.log('closed'));\nio.listen(1);\nexport default io;\nexport { io };\n"
    )
    report = _analysed(tmp_path, {"server.js": text}).run("analyse")
    assert report.complete, report.problems
    assert [h["becomes"] for h in report.facts["servers"][0]["handlers"]] == [
        "a POST function and an SSE channel"
    ]


def test_each_server_of_a_file_is_found(tmp_path: Path) -> None:
    text = WS + "const a = new WebSocketServer({ port: 1 });\nconst b = new WebSocketServer({ port: 2 });\n"
    text += "a.on('connection', (s) => { s.on('message', (d) => s.send('a')); });\n"
    text += "b.on('connection', (s) => { s.on('message', (d) => s.send('b')); });\n"
    report = _analysed(tmp_path, {"server.js": text}).run("analyse")
    assert [(s["url"], s["line"]) for s in report.facts["servers"]] == [
        ("/sockets/server", 2),
        ("/sockets/server-2", 3),
    ]


def test_state_of_another_file_is_named(tmp_path: Path) -> None:
    text = "import { seen } from './seen.js';\n" + SERVER
    text += "io.on('connection', (s) => { s.on('a', (x) => { seen.push(x); io.emit('b', seen); }); });"
    files = {"server.js": text, "seen.js": "export const seen = [];\n"}
    report = _analysed(tmp_path, files).run("analyse")
    assert [(p.file, p.line, p.code, p.severity) for p in report.problems] == [
        ("seen.js", 1, "module-state", Severity.WARNING)
    ]


CLIENTS = {
    "a/hook.js": "export const f = (r) => { r.current = new WebSocket('/a');\n  r.current.send('x'); };",
    "b/query.js": "const s = new WebSocket(`wss://${location.host}/a?token=${t}`);\ns.send('x');",
    "c/auth.js": "import { io } from 'socket.io-client';\nconst s = io({ auth: { a: 1 } });\ns.emit('a');",
    "d/Chat.vue": "<template/>\n<script setup>\nconst s = new WebSocket('/a');\n</script>",
    "e/page.html": "<p></p>\n<script>const socket = io();</script>",
    "f/good.js": "import { io } from 'socket.io-client';\nconst base = import.meta.env.VITE_URL;\n"
    "const s = io(base, { transports: ['websocket'] });\ns.emit('a', 1);",
}


def test_every_client_is_rewritten_or_listed(tmp_path: Path) -> None:
    migration = _analysed(tmp_path, {"server.js": SERVER + LAST, **CLIENTS})
    report = migration.run("frontend")
    assert report.facts["files"] == ["f/good.js"]
    assert [(p.file, p.line) for p in migration.run("analyse").problems] == [
        ("d/Chat.vue", 3),
        ("e/page.html", 2),
    ]
    assert {(p.file, p.line) for p in report.problems} == {
        ("a/hook.js", 1),
        ("a/hook.js", 2),
        ("b/query.js", 1),
        ("c/auth.js", 2),
    }


def test_every_function_is_called_once(tmp_path: Path) -> None:
    for name, count in {"chat": 2, "rooms": 4}.items():
        report = migrate_copy(name, tmp_path / name)["test"]
        assert [trial["passed"] for trial in report.facts["trials"]] == [True] * count


def test_a_function_that_fails_is_told(tmp_path: Path) -> None:
    files = {
        "package.json": '{"type": "module", "dependencies": {"ws": "8"}}',
        "server.js": (
            "import { WebSocketServer } from 'ws';\nconst wss = new WebSocketServer({});\n"
            "wss.on('connection', (s) => { s.on('message', () => { throw new Error('no'); }); });\n"
        ),
    }
    (tmp_path / "p").mkdir()
    for file, text in files.items():
        (tmp_path / "p" / file).write_text(text)
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("api_to_netlify", "--migrate", str(tmp_path / "p"), "--step", "test", stdout=out)
    assert "FAILED  server-message.mjs: answered 500, no\n" in out.getvalue()


def test_nothing_is_written_without_yes(tmp_path: Path) -> None:
    migrate_copy("chat", tmp_path / "chat", apply=False)
    assert sorted(_tree(tmp_path / "chat").values()) == sorted(_tree(CORPUS / "chat").values())


@pytest.mark.parametrize("step", STEPS)
def test_each_step_runs_alone(step: str) -> None:
    out = io.StringIO()
    try:
        call_command(
            "api_to_netlify", "--migrate", str(CORPUS / "chat"), "--step", step, "--json", stdout=out
        )
    except CommandError:
        assert step == "frontend"  # the corpus has a page that has to be rewritten by hand
    (report,) = json.loads(out.getvalue())["steps"]
    assert report["step"] == step


def test_pages_are_rewritten_where_that_is_certain(tmp_path: Path) -> None:
    done = migrate_copy("chat", tmp_path / "chat")["frontend"]
    assert done.written == ["web/chat.js"]
    text = (tmp_path / "chat/web/chat.js").read_text()
    assert "new WebSocket(" not in text
    assert ".send(" not in text
    left = tmp_path / "chat/web/uncertain.js"
    assert left.read_bytes() == (CORPUS / "chat/web/uncertain.js").read_bytes()
    assert [(p.file, p.line) for p in done.problems] == [
        ("web/uncertain.js", 2),
        ("web/uncertain.js", 3),
        ("web/uncertain.js", 7),
    ]


def test_uses_within_uses_are_rewritten_too(tmp_path: Path) -> None:
    report = migrate_copy("rooms", tmp_path / "rooms")["frontend"]
    assert report.complete
    text = (tmp_path / "rooms/client.ts").read_text()
    assert "socket.emit" not in text
    assert "socket.on(" not in text
    assert "socket.io-client" not in text
    assert text.count("fetch(") == 3


def test_variables_are_named(tmp_path: Path) -> None:
    report = migrate_copy("chat", tmp_path / "chat")["configure"]
    assert report.facts == {"environment": ["CHAT_ROOM", "SOCKET_DATABASE_URL"]}
    assert "#   CHAT_ROOM\n#   SOCKET_DATABASE_URL" in (tmp_path / "chat/netlify.toml").read_text()


def _events(lines: list[str]) -> list[Any]:
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def test_everybody_else_hears_what_one_says(tmp_path: Path) -> None:
    migrate_copy("rooms", tmp_path / "rooms")
    with (
        function_server(tmp_path / "rooms", "client.ts") as url,
        httpx.Client(base_url=url, timeout=60) as client,
    ):
        with client.stream("GET", "/sockets/server?id=listener") as stream:
            lines = stream.iter_lines()
            while ": hello" not in next(lines):
                pass
            vote = client.post("/sockets/server/vote", json=[{"choice": "tea"}], headers={"x-socket-id": "a"})
            for sender, who in [("listener", "myself"), ("a", "ada")]:
                client.post("/sockets/server/typing", json=[who], headers={"x-socket-id": sender})
            heard: list[str] = []
            while len(_events(heard)) < 2:
                heard.append(next(lines))
        assert vote.json() == {"answers": [{"event": "thanks", "args": ["tea"]}], "acknowledged": [True]}
        assert _events(heard) == [["tea"], ["ada"]]
        assert [line for line in heard if line.startswith("event:")] == ["event: voted", "event: typing"]
        last = next(line[4:] for line in heard if line.startswith("id: "))
        with client.stream("GET", "/sockets/server?id=b", headers={"last-event-id": last}) as again:
            missed = next(line for line in again.iter_lines() if line.startswith("event:"))
        assert missed == "event: typing"
        assert client.get("/sockets/server/vote").status_code == 405
        assert client.post("/sockets/server/vote", content="no JSON").status_code == 400


def test_pages_go_where_they_are_asked_to_go(tmp_path: Path) -> None:
    shutil.copytree(CORPUS / "chat", tmp_path / "chat")
    before, out = _tree(tmp_path / "chat"), tmp_path / "out"
    migration = open_migration(tmp_path / "chat", out, apply=True)
    for step in STEPS:
        migration.run(step)
    assert _tree(tmp_path / "chat") == before
    assert "new EventSource(" in (out / "web/chat.js").read_text()


def test_links_out_of_the_directory_are_not_followed(tmp_path: Path) -> None:
    shutil.copytree(CORPUS / "chat", tmp_path / "chat")
    outside = tmp_path / "chat.js"
    outside.write_bytes((CORPUS / "chat/web/chat.js").read_bytes())
    (tmp_path / "chat/web/chat.js").unlink()
    (tmp_path / "chat/web/chat.js").symlink_to(outside)
    (tmp_path / "chat/web/again").symlink_to("..")
    migration = open_migration(tmp_path / "chat", None, apply=True)
    reports = {step: migration.run(step) for step in STEPS}
    assert ("web/chat.js", "unreadable") in [(p.file, p.code) for p in reports["analyse"].problems]
    assert outside.read_bytes() == (CORPUS / "chat/web/chat.js").read_bytes()


TOLD = """
function tell(text, except) {
  wss.clients.forEach((one) => { if (one !== except && one.readyState === WebSocket.OPEN) one.send(text); });
}
wss.on('connection', (s) => {
  s.on('message', (data) => { tell('all ' + data); tell('others ' + data, s); });
});
"""
ROOMS = """
io.on('connection', (s) => {
  s.on('a', () => {
    s.broadcast.to('red').volatile.emit('b', 1);
    io.to(['red', 'blue']).to('red').emit('b', 2);
    s.volatile.emit('c', 3);
  });
});
"""


@contextmanager
def _heard(client: httpx.Client, query: str) -> Iterator[Iterator[str]]:
    """Open a channel, and yield its lines from the greeting on."""
    with client.stream("GET", f"/sockets/server?{query}") as stream:
        lines = stream.iter_lines()
        while ": hello" not in next(lines):
            pass
        yield lines


def test_helpers_tell_the_sender_from_the_others(tmp_path: Path) -> None:
    text = f"{WS}const wss = new WebSocketServer({{}});\n{TOLD}"
    migration = _analysed(tmp_path, {"server.js": text, "page.js": ""}, apply=True)
    assert migration.run("generate").complete
    with (
        function_server(tmp_path, "page.js") as url,
        httpx.Client(base_url=url, timeout=60) as client,
        _heard(client, "id=ada") as ada,
        _heard(client, "") as bob,
    ):
        answers = [
            client.post("/sockets/server/message", content=said, headers={"x-socket-id": sender}).json()
            for said, sender in (("x", "cleo"), ("y", "ada"), ("z", "cleo"))
        ]
        assert [answer["answers"] for answer in answers] == [["all x"], ["all y"], ["all z"]]
        assert [_next_data(ada) for _ in range(4)] == ["all x", "others x", "all z", "others z"]
        assert [_next_data(bob) for _ in range(6)][2:4] == ["all y", "others y"]


def test_several_rooms_are_told_once_each(tmp_path: Path) -> None:
    migration = _analysed(tmp_path, {"server.js": SERVER + ROOMS, "page.js": ""}, apply=True)
    assert migration.run("generate").complete
    with (
        function_server(tmp_path, "page.js") as url,
        httpx.Client(base_url=url, timeout=60) as client,
        _heard(client, "room=red") as red,
    ):
        answer = client.post("/sockets/server/a", json=[]).json()
        assert answer["answers"] == [{"event": "c", "args": [3]}]
        client.post("/sockets/server/a", json=[])
        assert [_next_data(red) for _ in range(4)] == ["[1]", "[2]", "[1]", "[2]"]


def _next_data(lines: Iterator[str]) -> str:
    return next(line for line in lines if line.startswith("data: ")).removeprefix("data: ")

"""A WebSocket server becomes functions: what is certain is done, what is not is listed."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from deployments.sockets.steps import STEPS, begin

from .running import CORPUS, migrated, serving


def _tree(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_a_ws_server_is_understood(tmp_path: Path) -> None:
    report = migrated("chat", tmp_path / "chat")["analyse"]
    (server,) = report.facts["servers"]
    assert (server["library"], server["file"], server["line"]) == ("ws", "server.js", 6)
    assert [(h["event"], h["becomes"]) for h in server["handlers"]] == [
        ("message", "a POST function and an SSE channel"),
        ("connection", "an SSE channel"),
    ]
    assert report.complete


def test_what_a_function_cannot_keep_is_named(tmp_path: Path) -> None:
    report = migrated("rooms", tmp_path / "rooms")["analyse"]
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
        ("server.ts", 9, "module-state"),
        ("server.ts", 28, "connection-state"),
        ("server.ts", 33, "room"),
        ("server.ts", 34, "connection-end"),
    ]
    assert all(p.by_hand for p in report.problems)


def test_every_function_is_called_once(tmp_path: Path) -> None:
    for name, count in {"chat": 2, "rooms": 4}.items():
        report = migrated(name, tmp_path / name)["test"]
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
    assert "FAILED  server-message.mjs: answered 500" in out.getvalue()


def test_nothing_is_written_without_yes(tmp_path: Path) -> None:
    migrated("chat", tmp_path / "chat", apply=False)
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
    done = migrated("chat", tmp_path / "chat")["frontend"]
    assert done.written == ["web/chat.js"]
    text = (tmp_path / "chat/web/chat.js").read_text()
    assert "new WebSocket(" not in text
    assert ".send(" not in text
    left = tmp_path / "chat/web/uncertain.js"
    assert left.read_bytes() == (CORPUS / "chat/web/uncertain.js").read_bytes()
    assert [(p.file, p.line) for p in done.problems] == [("web/uncertain.js", 2), ("web/uncertain.js", 7)]


def test_uses_within_uses_are_rewritten_too(tmp_path: Path) -> None:
    report = migrated("rooms", tmp_path / "rooms")["frontend"]
    assert report.complete
    text = (tmp_path / "rooms/client.ts").read_text()
    assert "socket.emit" not in text
    assert "socket.on(" not in text
    assert "socket.io-client" not in text
    assert text.count("fetch(") == 3


def test_variables_are_named(tmp_path: Path) -> None:
    report = migrated("chat", tmp_path / "chat")["configure"]
    assert report.facts == {"environment": ["CHAT_ROOM", "SOCKET_DATABASE_URL"]}
    assert "#   CHAT_ROOM\n#   SOCKET_DATABASE_URL" in (tmp_path / "chat/netlify.toml").read_text()


def _events(lines: list[str]) -> list[Any]:
    return [json.loads(line[6:]) for line in lines if line.startswith("data: ")]


def test_everybody_else_hears_what_one_says(tmp_path: Path) -> None:
    migrated("rooms", tmp_path / "rooms")
    with serving(tmp_path / "rooms", "client.ts") as url, httpx.Client(base_url=url, timeout=60) as client:
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
    migration = begin(tmp_path / "chat", out, apply=True)
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
    migration = begin(tmp_path / "chat", None, apply=True)
    reports = {step: migration.run(step) for step in STEPS}
    assert ("web/chat.js", "unreadable") in [(p.file, p.code) for p in reports["analyse"].problems]
    assert outside.read_bytes() == (CORPUS / "chat/web/chat.js").read_bytes()

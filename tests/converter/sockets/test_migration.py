"""The steps of a migration: what each reports and writes."""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from converter.sockets.migration import STEPS, open_migration
from tests.converter.projects import write_project

from .driver import CORPUS, WS, migrate_copy


def _tree(directory: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def test_every_function_is_called_once(tmp_path: Path) -> None:
    for name, count in {"chat": 2, "rooms": 4}.items():
        report = migrate_copy(name, tmp_path / name)["test"]
        assert [trial["passed"] for trial in report.facts["trials"]] == [True] * count


def test_a_failing_function_is_reported(tmp_path: Path) -> None:
    server = f"{WS}const wss = new WebSocketServer({{}});\n"
    server += "wss.on('connection', (s) => { s.on('message', () => { throw new Error('no'); }); });\n"
    package = '{"type": "module", "dependencies": {"ws": "8"}}'
    write_project(tmp_path, {"package.json": package, "server.js": server})
    out = io.StringIO()
    with pytest.raises(CommandError):
        call_command("api_to_netlify", "--migrate", str(tmp_path), "--step", "test", stdout=out)
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
        assert step == "frontend"  # the corpus contains a client that cannot be converted
    (report,) = json.loads(out.getvalue())["steps"]
    assert report["step"] == step


def test_environment_variables_are_listed(tmp_path: Path) -> None:
    report = migrate_copy("chat", tmp_path / "chat")["configure"]
    assert report.facts == {"environment": ["CHAT_ROOM", "SOCKET_DATABASE_URL"]}
    assert "#   CHAT_ROOM\n#   SOCKET_DATABASE_URL" in (tmp_path / "chat/netlify.toml").read_text()


def test_pages_are_written_below_out(tmp_path: Path) -> None:
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

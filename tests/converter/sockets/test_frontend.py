"""Browser code is rewritten where that is safe; other clients are reported."""

from __future__ import annotations

from pathlib import Path

from .driver import CORPUS, SERVER, migrate_copy, open_sources

HANDLER = "io.on('connection', (s) => { s.on('a', () => io.emit('b')); });"
CLIENTS = {
    "a/hook.js": "export const f = (r) => { r.current = new WebSocket('/a');\n  r.current.send('x'); };",
    "b/query.js": "const s = new WebSocket(`wss://${location.host}/a?token=${t}`);\ns.send('x');",
    "c/auth.js": "import { io } from 'socket.io-client';\nconst s = io({ auth: { a: 1 } });\ns.emit('a');",
    "d/Chat.vue": "<template/>\n<script setup>\nconst s = new WebSocket('/a');\n</script>",
    "e/page.html": "<p></p>\n<script>const socket = io({{ x }});</script>",
    "f/good.js": "import { io } from 'socket.io-client';\nconst base = import.meta.env.VITE_URL;\n"
    "const s = io(base, { transports: ['websocket'] });\ns.emit('a', 1);",
}


def test_every_client_is_rewritten_or_reported(tmp_path: Path) -> None:
    migration = open_sources(tmp_path, {"server.js": SERVER + HANDLER, **CLIENTS})
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


def test_only_clients_that_are_safe_to_convert_are_rewritten(tmp_path: Path) -> None:
    report = migrate_copy("chat", tmp_path / "chat")["frontend"]
    assert report.written == ["web/chat.js"]
    text = (tmp_path / "chat/web/chat.js").read_text()
    assert "new WebSocket(" not in text
    assert ".send(" not in text
    unchanged = tmp_path / "chat/web/uncertain.js"
    assert unchanged.read_bytes() == (CORPUS / "chat/web/uncertain.js").read_bytes()
    assert [(p.file, p.line) for p in report.problems] == [
        ("web/uncertain.js", 2),
        ("web/uncertain.js", 3),
        ("web/uncertain.js", 4),
        ("web/uncertain.js", 7),
    ]


def test_nested_uses_are_rewritten(tmp_path: Path) -> None:
    report = migrate_copy("rooms", tmp_path / "rooms")["frontend"]
    assert report.complete
    text = (tmp_path / "rooms/client.ts").read_text()
    assert "socket.emit" not in text
    assert "socket.on(" not in text
    assert "socket.io-client" not in text
    assert text.count("fetch(") == 3

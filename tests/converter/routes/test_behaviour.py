"""The functions respond as the original routes do, with the same status, headers and body."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from converter.routes.model import Options
from tests.converter import node
from tests.converter.projects import CORPUS, convert_to, drive_target

# The targets of the originals' aliases; the converter reads them from the configuration.
ALIASES = {
    "shop": [["@/nowhere/", "lib/"], ["@/", "./"], ["~db", "lib/db.ts"]],
    "legacy": [["#/", "src/server/"], ["server", "src/server"]],
}
# Headers that the connection or the platform sets.
UNCOMPARED = {"date", "connection", "keep-alive", "transfer-encoding", "content-length"}


def _requests(project: str) -> list[dict[str, Any]]:
    requests: list[dict[str, Any]] = json.loads((CORPUS / f"{project}.json").read_text())
    return requests


def _comparable(response: dict[str, Any]) -> dict[str, Any]:
    assert "failed" not in response, response["failed"]
    headers: dict[str, list[str]] = {}
    for name, value in response["headers"]:
        # Entity tags only have to be stable.
        headers.setdefault(name, []).append("…" if name == "etag" else value)
    compared = {name: sorted(values) for name, values in headers.items() if name not in UNCOMPARED}
    joined = {name: v if name == "set-cookie" else ", ".join(v) for name, v in compared.items()}
    return {"status": response["status"], "headers": joined, "body": response["body"]}


def _target(project: str, out: Path, options: Options) -> dict[str, Any]:
    assert convert_to(CORPUS / project, out, options).complete
    target = drive_target(out, options)
    if options.typescript:
        assert node.compile_tree(out) == ""
        target["out"] = str(out / "built")
    return target


@pytest.mark.parametrize("project", sorted(ALIASES))
def test_functions_respond_as_the_originals_do(project: str, tmp_path: Path) -> None:
    modes = {"classic": Options(), "v2": Options(v2=True)}
    if project == "shop":  # the other one has no types
        modes["typescript"] = Options(typescript=True)
    targets = [_target(project, tmp_path / n, options) for n, options in modes.items()]
    requests = _requests(project)
    pairs = node.drive(CORPUS / project, requests, targets, ALIASES[project])
    assert len(pairs) == len(requests)
    for request, pair in zip(requests, pairs, strict=True):
        expected = _comparable(pair["expected"])
        for mode, response in zip(modes, pair["got"], strict=True):
            label = f"{mode}: {request['method']} {request['path']}"
            assert (label, _comparable(response)) == (label, expected)


def test_the_corpus_is_large_enough_and_covers_every_route() -> None:
    for project in ALIASES:
        job = {"root": str(CORPUS / project), "paths": [request["path"] for request in _requests(project)]}
        coverage = node.run("coverage.cjs", job)
        assert coverage["routes"] >= {"shop": 40, "legacy": 5}[project]
        assert coverage["uncovered"] == []


@pytest.mark.parametrize("project", sorted(ALIASES))
@pytest.mark.parametrize("v2", [False, True])
def test_node_accepts_every_file(project: str, v2: bool, tmp_path: Path) -> None:
    conversion = convert_to(CORPUS / project, tmp_path, Options(v2=v2))
    files = [tmp_path / path for path in conversion.files if path.suffix in (".cjs", ".mjs")]
    assert len(files) > len(conversion.routes) * 2
    assert node.syntax_errors(files) == []


def test_the_syntax_check_agrees_with_node(tmp_path: Path) -> None:
    texts = {
        "good.mjs": "await 1;",
        "bad.mjs": "const a = ;",
        "bad.cjs": "import 'a';",
        "good.cjs": "return;",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    own = {name: bool(node.syntax_errors([tmp_path / name])) for name in texts}
    command = [node.program("node"), "--check"]
    nodes = {
        name: subprocess.run([*command, str(tmp_path / name)], capture_output=True, check=False).returncode
        != 0
        for name in texts
    }
    assert own == nodes == {name: name.startswith("bad") for name in texts}


def test_functions_also_respond_at_their_own_url(tmp_path: Path) -> None:
    target = _target("shop", tmp_path / "out", Options())
    paths = ("/api/products/2", "/api/docs/a/b%20c")
    requests = [{"method": "GET", "path": path, "direct": True, "only": True} for path in paths]
    pairs = node.drive(CORPUS / "shop", requests, [target])
    first, second = (json.loads(pair["got"][0]["body"]) for pair in pairs)
    assert first["id"] == "2"
    assert second["slug"] == ["a", "b c"]

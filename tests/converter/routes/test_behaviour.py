"""The functions answer as the originals do: status, headers and body, over the whole corpus."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from converter.routes.model import Options
from tests.converter import node
from tests.converter.projects import CORPUS, HARNESS, convert_to, read_redirects

# What the originals import by these names is here; the converter has to find it out by itself.
ALIASES = {
    "shop": [["@/nowhere/", "lib/"], ["@/", "./"], ["~db", "lib/db.ts"]],
    "legacy": [["#/", "src/server/"], ["server", "src/server"]],
}
# The connection's own, and the platform's: it counts bytes and dates answers itself.
UNCOMPARED = {"date", "connection", "keep-alive", "transfer-encoding", "content-length"}


def _questions(project: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((CORPUS / f"{project}.json").read_text())
    return found


def _comparable(answer: dict[str, Any]) -> dict[str, Any]:
    assert "failed" not in answer, answer["failed"]
    headers: dict[str, list[str]] = {}
    for name, value in answer["headers"]:
        # An entity tag means nothing but "the same as before".
        headers.setdefault(name, []).append("…" if name == "etag" else value)
    kept = {name: sorted(values) for name, values in headers.items() if name not in UNCOMPARED}
    joined = {name: v if name == "set-cookie" else ", ".join(v) for name, v in kept.items()}
    return {"status": answer["status"], "headers": joined, "body": answer["body"]}


def _target(project: str, out: Path, options: Options) -> dict[str, Any]:
    conversion = convert_to(CORPUS / project, out, options)
    assert conversion.complete
    kept = {"v2": options.v2, "redirects": read_redirects(out)}
    if options.typescript:
        assert node.compile_tree(out) == ""
        out = out / "built"
    return {"out": str(out), **kept}


@pytest.mark.parametrize("project", sorted(ALIASES))
def test_functions_answer_as_the_originals_do(project: str, tmp_path: Path) -> None:
    modes = {"classic": Options(), "v2": Options(v2=True)}
    if project == "shop":  # the other one has no types
        modes["typescript"] = Options(typescript=True)
    targets = [_target(project, tmp_path / n, options) for n, options in modes.items()]
    questions = _questions(project)
    job = {
        "typescript": str(node.packages() / "typescript"),
        "root": str(CORPUS / project),
        "aliases": ALIASES[project],
        "questions": questions,
        "targets": targets,
    }
    answers = node.run(HARNESS / "drive.cjs", job)
    assert len(answers) == len(questions)
    for question, answer in zip(questions, answers, strict=True):
        expected = _comparable(answer["expected"])
        for mode, got in zip(modes, answer["got"], strict=True):
            asked = f"{mode}: {question['method']} {question['path']}"
            assert (asked, _comparable(got)) == (asked, expected)


def test_the_corpus_is_large_enough_and_every_route_is_asked() -> None:
    for project in ALIASES:
        job = {"root": str(CORPUS / project), "questions": [q["path"] for q in _questions(project)]}
        unasked = node.run(HARNESS / "coverage.cjs", job)
        assert unasked["routes"] >= {"shop": 40, "legacy": 5}[project]
        assert unasked["unasked"] == []


@pytest.mark.parametrize("project", sorted(ALIASES))
@pytest.mark.parametrize("v2", [False, True])
def test_node_accepts_every_file(project: str, v2: bool, tmp_path: Path) -> None:
    conversion = convert_to(CORPUS / project, tmp_path, Options(v2=v2))
    own = [tmp_path / path for path in conversion.files if path.suffix in (".cjs", ".mjs")]
    assert len(own) > len(conversion.routes) * 2
    assert node.check(own) == []


def test_the_check_of_files_is_that_of_node(tmp_path: Path) -> None:
    texts = {
        "good.mjs": "await 1;",
        "bad.mjs": "const a = ;",
        "bad.cjs": "import 'a';",
        "good.cjs": "return;",
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text)
    said = {name: bool(node.check([tmp_path / name])) for name in texts}
    command = [node.program("node"), "--check"]
    node_says = {
        name: subprocess.run([*command, str(tmp_path / name)], capture_output=True, check=False).returncode
        != 0
        for name in texts
    }
    assert said == node_says == {name: name.startswith("bad") for name in texts}


def test_functions_answer_by_their_own_address_too(tmp_path: Path) -> None:
    out = tmp_path / "out"
    target = _target("shop", out, Options())
    asked = [
        {"method": "GET", "path": "/api/products/2", "direct": True, "only": True},
        {"method": "GET", "path": "/api/docs/a/b%20c", "direct": True, "only": True},
    ]
    job = {
        "typescript": str(node.packages() / "typescript"),
        "root": str(CORPUS / "shop"),
        "aliases": [],
        "questions": asked,
        "targets": [target],
    }
    first, second = (answer["got"][0] for answer in node.run(HARNESS / "drive.cjs", job))
    assert json.loads(first["body"])["id"] == "2"
    assert json.loads(second["body"])["slug"] == ["a", "b c"]

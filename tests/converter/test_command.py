from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from .projects import CORPUS, write_project


def _run(*words: Any) -> str:
    out = io.StringIO()
    call_command("api_to_netlify", *map(str, words), stdout=out)
    return out.getvalue()


def test_the_report_lists_routes_and_functions(tmp_path: Path) -> None:
    output = _run(CORPUS / "legacy", "--out", tmp_path)
    assert "/api/form  POST  src/pages/api/form.js -> api-form" in output
    assert "5 of 5 routes converted" in output
    assert (tmp_path / "netlify/functions/api-form.cjs").is_file()


def test_a_dry_run_writes_nothing(tmp_path: Path) -> None:
    output = _run(CORPUS / "shop", "--out", tmp_path / "out", "--dry-run")
    assert "Nothing was written." in output
    assert not (tmp_path / "out").exists()


def test_json_report(tmp_path: Path) -> None:
    report = json.loads(_run(CORPUS / "shop", "--out", tmp_path, "--v2", "--json"))
    assert report["success"] is True
    assert len(report["routes"]) == 53
    item = next(route for route in report["routes"] if route["url"] == "/v1/items/[id]")
    assert (item["function"], item["methods"]) == ("v1-items-id", ["GET", "PUT", "DELETE"])
    assert sorted(report["written"]) == sorted(report["files"])


def test_a_part_of_a_project_is_converted(tmp_path: Path) -> None:
    output = _run(CORPUS / "shop/pages/api/products", "--out", tmp_path)
    assert "3 of 3 routes converted" in output
    _run(CORPUS / "shop/pages/api/hello.ts", "--out", tmp_path / "one")
    assert [path.name for path in (tmp_path / "one/netlify/functions").iterdir()] == ["api-hello.cjs"]


def test_an_unconverted_route_fails_the_command(tmp_path: Path) -> None:
    files = {
        "pages/api/good.js": "export default (req, res) => res.end();",
        "pages/api/bad.js": "\nimport 'next/image';\nexport default (req, res) => res.end();",
    }
    root, out = write_project(tmp_path / "project", files), io.StringIO()
    with pytest.raises(CommandError, match="by hand"):
        call_command("api_to_netlify", str(root), "--out", str(tmp_path / "out"), stdout=out)
    assert "pages/api/bad.js -> NOT CONVERTED" in out.getvalue()
    assert "pages/api/bad.js:2:1: error:" in out.getvalue()
    assert (tmp_path / "out/netlify/functions/api-good.cjs").is_file()


def test_misuse_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="--out"):
        _run(CORPUS / "shop")
    with pytest.raises(CommandError, match="does not exist"):
        _run(tmp_path / "gone", "--dry-run")
    with pytest.raises(CommandError, match="--yes: only with --migrate"):
        _run(CORPUS / "shop", "--dry-run", "--yes")
    with pytest.raises(CommandError, match="--v2: not with --migrate"):
        _run("--migrate", CORPUS / "shop", "--v2")
    (tmp_path / "file").touch()
    with pytest.raises(CommandError, match=r"file/netlify/\w+: Not a directory"):
        _run(CORPUS / "legacy", "--out", tmp_path / "file")


def test_a_dry_run_reports_conflicts(tmp_path: Path) -> None:
    write_project(tmp_path, {"netlify.toml": "[functions]\n"})
    with pytest.raises(CommandError, match=r"\[functions\] table"):
        _run(CORPUS / "legacy", "--out", tmp_path, "--dry-run")


def test_protected_routes_are_listed(tmp_path: Path) -> None:
    words = [CORPUS / "legacy", "--out", tmp_path, "--supabase", "/api/form"]
    assert "Require a user of the Supabase project: /api/form." in _run(*words)

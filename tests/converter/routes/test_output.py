"""Files are written without changing anything that was not generated."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from converter.problems import ConversionError
from converter.routes.conversion import convert
from converter.routes.model import Options
from converter.routes.output import SOCKETS, TOML, stale_functions, write
from tests.converter.projects import convert_to, write_project

FILES = {
    "package.json": '{"dependencies": {"zod": "3.25.0", "next": "15.5.0"}}',
    "pages/api/a.js": "import { z } from 'zod';\nexport default (q, res) => res.json([z, process.env.KEY]);",
}


def test_a_second_conversion_changes_nothing(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    conversion = convert_to(root, out)
    assert write(conversion.files, out) == []


def test_handwritten_netlify_toml_is_kept(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    theirs = '[build]\n  publish = "site"\n\n[[redirects]]\n  from = "/old"\n  to = "/new"\n'
    write_project(out, {"netlify.toml": theirs})
    convert_to(root, out)
    (root / "pages/api/b.js").write_text("export default (req, res) => res.end();")
    convert_to(root, out)
    text = (out / "netlify.toml").read_text()
    assert text.startswith(theirs)
    assert [rule["from"] for rule in tomllib.loads(text)["redirects"]] == ["/old", "/api/a", "/api/b"]
    assert "#   KEY" in text


def test_dependencies_are_the_imported_packages(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    write_project(out, {"package.json": '{"name": "mine", "dependencies": {"zod": "4.0.0"}}'})
    convert_to(root, out)
    assert json.loads((out / "package.json").read_text())["dependencies"] == {"zod": "4.0.0"}
    convert_to(root, tmp_path / "other")
    assert json.loads((tmp_path / "other/package.json").read_text())["dependencies"] == {"zod": "3.25.0"}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("netlify/functions/api-a.cjs", "// mine\n"),
        ("netlify.toml", "[functions]\n  directory = 'mine'\n"),
        ("package.json", "no JSON"),
    ],
)
def test_a_conflict_prevents_all_writing(name: str, text: str, tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), write_project(tmp_path / "out", {name: text})
    with pytest.raises(ConversionError):
        convert_to(root, out)
    assert [path for path in out.rglob("*") if path.is_file()] == [out / name]
    assert (out / name).read_text() == text


def test_file_names_never_become_code(tmp_path: Path) -> None:
    hostile = "pages/api/a\nprocess.exit(3); //'\"`${1}.js"
    root = write_project(tmp_path / "project", {hostile: "export default (req, res) => res.end();"})
    conversion = convert(root, Options())
    for path, text in conversion.files.items():
        assert "\n" not in str(path)
        assert not any(line.startswith("process.exit") for line in text.splitlines())


def test_two_names_never_become_one_file(tmp_path: Path) -> None:
    text = "export const GET = () => new Response();"
    files = {f"app/{name}/route.js": text for name in ("[id]/a", "(id)/a", "a.b", "a-b")}
    conversion = convert(write_project(tmp_path, files), Options())
    assert sum("routes" in path.parts for path in conversion.files) == 4
    assert sum("functions" in path.parts for path in conversion.files) == 4


def test_a_function_of_another_kind_is_replaced(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    convert_to(root, out)
    convert_to(root, out, Options(v2=True))
    assert [path.name for path in (out / "netlify/functions").iterdir()] == ["api-a.mjs"]


def test_a_handwritten_function_of_the_same_name_is_kept(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    theirs = write_project(out, {"netlify/functions/api-a.ts": "export default () => new Response('');\n"})
    with pytest.raises(ConversionError, match="same name"):
        convert_to(root, out)
    assert [path for path in theirs.rglob("*") if path.is_file()] == [out / "netlify/functions/api-a.ts"]


def test_functions_of_deleted_routes_are_listed(tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    write_project(out, {"netlify/functions/own.mjs": "export default () => new Response('');\n"})
    convert_to(root, out)
    (root / "pages/api/a.js").rename(root / "pages/api/b.js")
    conversion = convert_to(root, out)
    assert [str(path) for path in stale_functions(conversion.files, out)] == ["netlify/functions/api-a.cjs"]


@pytest.mark.parametrize("first", ["routes", "sockets"])
def test_routes_and_sockets_share_one_netlify_toml(first: str, tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", FILES), tmp_path / "out"
    for part in (first, "routes", "sockets", "routes"):
        if part == "routes":
            convert_to(root, out)
        else:
            write({TOML: "# Environment variables that the functions read:\n#   OTHER\n"}, out, SOCKETS)
    text = (out / "netlify.toml").read_text()
    assert [rule["from"] for rule in tomllib.loads(text)["redirects"]] == ["/api/a"]
    assert text.count("[functions]") == text.count("#   KEY") == text.count("#   OTHER") == 1

"""Malformed and hostile input is reported: nothing crashes, and nothing is written outside the directory."""

from __future__ import annotations

import os
from pathlib import Path, PurePosixPath

import pytest

from converter.problems import ConversionError
from converter.routes.conversion import convert
from converter.routes.model import Options
from converter.routes.output import write
from tests.converter import node
from tests.converter.projects import convert_to, write_project

APP = "export const GET = () => new Response('x');\n"
ROUTE = "app/a/route.js"


def _codes(root: Path) -> list[tuple[str, int, str]]:
    return [(p.file, p.line, p.code) for p in convert(root, Options()).problems]


@pytest.mark.parametrize(
    ("text", "line", "code"),
    [
        (b"\0\1\2\xff", 1, "encoding"),
        (APP.encode() + "const name = 'é';".encode("latin-1"), 2, "encoding"),
        (APP.encode("utf-16"), 1, "encoding"),
        (b"export const GET = () => (;", 1, "syntax"),
        (APP.encode() + b"const x = " + b"(" * 5000 + b"1" + b")" * 5000, 2, "nesting"),
        (APP.encode() + b"@sealed class A {}", 2, "newer-syntax"),
        (APP.encode() + b"async () => {\n  await using x = GET();\n};", 3, "newer-syntax"),
        (APP.encode() + b"export const revalidate = 10n;", 2, "config"),
        (APP.encode() + b"export const revalidate = -'a';", 2, "config"),
        (APP.encode() + b"export const revalidate = " + b"[" * 900 + b"]" * 900, 2, "config"),
        (APP.encode() + b"import.meta.dirname;", 2, "file-place"),
        (b"import x from './\\u0000';\nx();", 1, "missing"),
        (b"import x from './\\ud800';\nx();", 1, "missing"),
        (b"import x from './" + b"a" * 5000 + b"';\nx();", 1, "missing"),
    ],
)
def test_malformed_source_is_reported_at_its_line(text: bytes, line: int, code: str, tmp_path: Path) -> None:
    root = write_project(tmp_path, {ROUTE: ""})
    (root / ROUTE).write_bytes(text)
    assert (ROUTE, line, code) in _codes(root)


@pytest.mark.parametrize("text", ["{nonsense", "[" * 100_000 + "]" * 100_000])
def test_invalid_json_is_reported(text: str, tmp_path: Path) -> None:
    files = {ROUTE: "import x from './x.json';\nx;\n" + APP, "app/a/x.json": text}
    assert [(file, code) for file, _, code in _codes(write_project(tmp_path, files))] == [
        ("app/a/x.json", "json")
    ]


@pytest.mark.parametrize("text", ["[1]", '{"dependencies": "x"}', "\0", "[" * 100_000])
def test_a_malformed_package_json_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match=r"package\.json"):
        convert(write_project(tmp_path, {ROUTE: APP, "package.json": text}), Options())


@pytest.mark.parametrize(
    "text",
    [
        "[1]",
        "[" * 900 + "]" * 900,
        '{"extends": [3]}',
        '{"compilerOptions": {"paths": [1]}}',
        '{"compilerOptions": {"baseUrl": 3}}',
    ],
)
def test_a_malformed_tsconfig_is_reported(text: str, tmp_path: Path) -> None:
    assert [code for *_, code in _codes(write_project(tmp_path, {ROUTE: APP, "tsconfig.json": text}))] == [
        "tsconfig"
    ]


def test_a_name_that_is_not_utf8_is_reported(tmp_path: Path) -> None:
    root = write_project(tmp_path, {"pages/api/a.js": "export default (req, res) => res.end();"})
    os.rename(root / "pages/api/a.js", os.fsencode(root / "pages/api") + b"/\xff.js")
    assert _codes(root) == [("pages/api/\\udcff.js", 0, "segment")]


def test_circular_links_end(tmp_path: Path) -> None:
    root = write_project(tmp_path, {ROUTE: APP, "app/c/route.js": APP})
    (root / "app/a/up").symlink_to("..")
    (root / "app/a/here").symlink_to(".")
    (root / "app/c/a").symlink_to("../a")
    (root / "app/b").mkdir()
    (root / "app/b/route.js").symlink_to("route.js")
    conversion = convert(root, Options())
    assert {"app/a/route.js", "app/c/route.js"} <= {route.file for route in conversion.routes}
    assert ("app/b/route.js", 0, "unreadable") in [(p.file, p.line, p.code) for p in conversion.problems]


@pytest.mark.parametrize(
    "link", ["netlify", "netlify/functions", "netlify.toml", "netlify/routes/app/a/route.mjs"]
)
def test_links_are_not_written_through(link: str, tmp_path: Path) -> None:
    root, out, elsewhere = (
        write_project(tmp_path / "project", {ROUTE: APP}),
        tmp_path / "out",
        tmp_path / "else",
    )
    elsewhere.mkdir()
    (out / link).parent.mkdir(parents=True)
    (out / link).symlink_to(elsewhere if "." not in link else elsewhere / "file")
    with pytest.raises(ConversionError, match="link"):
        convert_to(root, out)
    assert list(elsewhere.iterdir()) == []
    assert [path for path in out.rglob("*") if path.is_file()] == []


def test_no_path_leads_out_of_the_directory(tmp_path: Path) -> None:
    with pytest.raises(ConversionError):
        write({PurePosixPath("../outside.mjs"): ""}, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ["const a = b as A\n  .B\n  .C;", "const a = b as number\n[1].at(0);"])
def test_source_that_the_parser_misreads_is_reported(text: str, tmp_path: Path) -> None:
    assert _codes(write_project(tmp_path, {"app/a/route.ts": text + "\n" + APP})) == [
        ("app/a/route.ts", 1, "syntax")
    ]


FORMS = {
    "pages/api/reference.js": "async function handler(req, res) { res.end(); }\nexport default handler;\n",
    "pages/api/renamed.js": "const handler = (req, res) => res.end();\nexport { handler as default };\n",
    "pages/api/again.ts": "export { default } from './renamed';\n",
    "pages/api/either.cjs.js": "if (process.env.A) module.exports = (q, r) => r.end('a');\n"
    "else module.exports = (q, r) => r.end('b');\n",
    "app/as/route.ts": "const answer = () => new Response('a');\n"
    "export { answer as GET, answer as 'POST' };\n",
    "app/from/route.ts": "export { answer as GET } from './answer';\n",
    "app/from/answer.ts": "export const answer = (): Response => new Response('a');\n",
    "app/crlf/route.ts": "import type { A } from 'b';\r\ninterface C { a: A }\r\n"
    "export async function GET(c: C): Promise<Response> {\r\n  return new Response(`a\r\nb`);\r\n}\r\n",
    "app/parts/route.ts": "async function* parts(): AsyncGenerator<string> { yield 'a'; }\n"
    "export const GET = async () => new Response(parts() as unknown as BodyInit);\n",
    "app/日本/route.ts": "#!/usr/bin/env node\n'use strict';\n" + APP,
    "app/data/route.js": "import x from './x.json';\n"
    "export const GET = () => Response.json(Object.keys(x));\n",
    "app/data/x.json": '{"__proto__": 1}',
}


@pytest.mark.parametrize("v2", [False, True])
def test_every_form_of_export_is_valid_for_node(v2: bool, tmp_path: Path) -> None:
    root, out = write_project(tmp_path / "project", {}), tmp_path / "out"
    for name, text in FORMS.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(text.encode())
    conversion = convert_to(root, out, Options(v2=v2))
    assert conversion.complete, conversion.problems
    assert {str(r.url): r.methods for r in conversion.routes}["/as"] == ["GET", "POST"]
    assert node.syntax_errors(sorted([*out.rglob("*.mjs"), *out.rglob("*.cjs")])) == []


def test_a_huge_file_is_converted(tmp_path: Path) -> None:
    text = "".join(f"const v{i}: string = 'x' as string;\n" for i in range(10_000))
    conversion = convert_to(
        write_project(tmp_path / "project", {"app/a/route.ts": text + APP}), tmp_path / "out"
    )
    assert conversion.complete
    assert node.syntax_errors([*(tmp_path / "out/netlify/routes").rglob("*.mjs")]) == []

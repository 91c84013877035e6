"""Diagnostics of what cannot be converted: file, line, reason, and what to write by hand."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from converter.problems import ConversionError, Severity
from converter.routes.conversion import convert
from converter.routes.model import Conversion, Options
from tests.converter.projects import write_project

PAGES = "export default function handler(req, res) { res.end(); }\n"
APP = "export const GET = () => new Response('');\n"
ROUTE = "pages/api/a.ts"

REFUSED = [
    ("next-import", 1, "import { ImageResponse } from 'next/og';\nnew ImageResponse();\n" + PAGES),
    ("next-import", 2, "// first\nimport { draftMode } from 'next/headers';\ndraftMode();\n" + PAGES),
    ("next-import", 1, "import { userAgent } from 'next/server';\nuserAgent();\n" + PAGES),
    ("next-import", 1, "import { revalidatePath } from 'next/cache';\nrevalidatePath('/');\n" + PAGES),
    ("next-import", 2, "import * as cache from 'next/cache';\ncache.revalidateTag('a');\n" + PAGES),
    ("next-import", 1, "import thing from 'next/dist/server/thing';\nthing();\n" + PAGES),
    ("needs-next", 1, "import { getServerSession } from 'next-auth';\ngetServerSession();\n" + PAGES),
    ("needs-next", 1, "import { auth } from '@clerk/nextjs/server';\nauth();\n" + PAGES),
    ("next-import", 1, "import { geolocation } from '@vercel/functions';\ngeolocation();\n" + PAGES),
    ("missing", 1, "import { a } from '@/lib/a';\na();\n" + PAGES),
    ("asset", 1, "import text from './a.css.md';\ntext;\n" + PAGES),
    ("needs-next", 1, "import { use } from 'react';\nuse(1);\n" + PAGES),
    ("needs-next", 2, "import React from 'react';\nReact.cache(() => 1);\n" + PAGES),
    ("next-only", 2, "export default async function handler(req, res) {\n  await res.revalidate('/');\n}\n"),
    ("next-only", 2, "export default async (ask: any, reply: any) => {\n  reply.setDraftMode({});\n}\n"),
    ("next-only", 2, "import { NextResponse } from 'next/server';\nNextResponse.next();\n" + PAGES),
    ("dynamic-require", 2, "export default (req, res) => {\n  require(`./${req.query.a}`);\n};\n"),
    ("dynamic-require", 2, "export default async (req, res) => {\n  await import(req.query.a);\n};\n"),
    ("dynamic-require", 1, "require.context('./', true);\n" + PAGES),
    ("edge-only", 1, "if (typeof EdgeRuntime !== 'undefined') {}\n" + PAGES),
    ("edge-only", 1, "caches.open('a');\n" + PAGES),
    ("socket-server", 2, "export default (req, res) => {\n  res.socket.server.io = 1;\n};\n"),
    ("file-place", 1, "console.log(__dirname);\n" + PAGES),
    ("file-place", 1, "console.log(import.meta.url);\n" + PAGES),
    ("missing", 1, "import { a } from './gone';\na();\n" + PAGES),
    ("asset", 1, "import css from './a.css';\ncss;\n" + PAGES),
    ("syntax", 2, "const a = 1;\nconst b = = 2;\n" + PAGES),
    ("mixed-modules", 2, "import fs from 'fs';\nmodule.exports = () => fs;\n"),
    ("require-esm", 2, "export default () => {\n  require('next-auth-adapter');\n};\n"),
    ("typescript", 1, "namespace A { export const b = 1; }\n" + PAGES),
    ("typescript", 2, "class A {\n  @log() m() {}\n}\n" + PAGES),
    ("typescript", 1, "enum A { B = Math.random() }\n" + PAGES),
    ("config", 1, "export const config = { api: { bodyParser: !process.env.RAW } };\n" + PAGES),
    ("no-handler", 1, "export const a = 1;\n"),
]


def _convert(path: Path) -> Conversion:
    return convert(path, Options())


@pytest.mark.parametrize(("code", "line", "text"), REFUSED)
def test_an_unconvertible_route_is_reported(code: str, line: int, text: str, tmp_path: Path) -> None:
    package = '{"dependencies": {"next-auth": "4", "@clerk/nextjs": "5", "react": "19"}}'
    root = write_project(
        tmp_path,
        {
            ROUTE: text,
            "pages/api/a.css": "",
            "pages/api/a.css.md": "",
            "package.json": package,
            "pages/api/b.js": PAGES,
        },
    )
    conversion = _convert(root)
    errors = [problem for problem in conversion.problems if problem.severity == Severity.ERROR]
    assert [(e.file, e.line, e.code) for e in errors] == [(ROUTE, line, code)]
    assert errors[0].message
    assert errors[0].by_hand
    assert not conversion.complete
    assert [route.converted for route in conversion.routes] == [False, True]
    names = [path.name for path in conversion.files]
    assert "api-a.cjs" not in names
    assert "api-b.cjs" in names
    assert "api-a" not in conversion.files[next(p for p in conversion.files if p.name == "netlify.toml")]


def test_a_problem_is_reported_in_the_module_that_has_it(tmp_path: Path) -> None:
    helper = (
        "\nimport { getServerSession } from 'next-auth/next';\nexport const who = () => getServerSession();\n"
    )
    route = "import { who } from '../../lib/who';\nexport default (req, res) => who();\n"
    conversion = _convert(write_project(tmp_path, {"pages/api/a.js": route, "lib/who.js": helper}))
    (error,) = [problem for problem in conversion.problems if problem.severity == Severity.ERROR]
    assert (error.file, error.line, error.column) == ("lib/who.js", 2, 1)
    assert "getServerSession" in error.message


def test_type_only_imports_are_no_problem(tmp_path: Path) -> None:
    text = "import type { Metadata } from 'next/og';\nimport { Session } from 'next-auth';\n" + PAGES
    text += "export type S = Session & Metadata;\n"
    assert _convert(write_project(tmp_path, {ROUTE: text})).complete


def test_middleware_and_next_config_are_reported(tmp_path: Path) -> None:
    config = (
        "module.exports = {\n  basePath: '/shop',\n  async rewrites() { return [{ basePath: 1 }]; },\n};\n"
    )
    files = {"middleware.ts": "export function middleware() {}", "next.config.js": config, ROUTE: PAGES}
    problems = _convert(write_project(tmp_path, files)).problems
    assert [(p.file, p.line, p.code) for p in problems] == [
        ("middleware.ts", 1, "middleware"),
        ("next.config.js", 2, "next-config"),
        ("next.config.js", 3, "next-config"),
    ]


def test_a_route_without_methods_is_reported(tmp_path: Path) -> None:
    files = {"app/a/route.js": "export default () => new Response('');"}
    assert [p.code for p in _convert(write_project(tmp_path, files)).problems] == ["no-handler"]


def test_two_files_for_one_url_are_refused(tmp_path: Path) -> None:
    files = {"pages/api/[id].js": PAGES, "app/api/[name]/route.js": APP}
    (problem,) = _convert(write_project(tmp_path, files)).problems
    assert (problem.code, problem.severity) == ("double", Severity.ERROR)


def test_every_directory_of_routes_is_searched(tmp_path: Path) -> None:
    files = {"pages/api/netlify/a.js": PAGES, "app/hooks/netlify/route.js": APP, "src/pages/api/b.js": PAGES}
    conversion = _convert(
        write_project(tmp_path, files)
    )  # with `pages` in the root, Next does not look into src
    assert [str(route.url) for route in conversion.routes] == ["/api/netlify/a", "/hooks/netlify"]


@pytest.mark.parametrize("v2", [False, True])
def test_no_other_route_handles_an_unconverted_one(v2: bool, tmp_path: Path) -> None:
    files = {"app/[...all]/route.js": APP, "app/hook/route.js": "import 'next/image';\n" + APP}
    conversion = convert(write_project(tmp_path, files), Options(v2=v2))
    files_by_name = {path.name: text for path, text in conversion.files.items()}
    if v2:
        assert '"excludedPath": ["/hook"]' in files_by_name["all.mjs"]
    else:
        rules = tomllib.loads(files_by_name["netlify.toml"])["redirects"]
        assert [(r["from"], r["status"]) for r in rules] == [("/hook", 404), ("/*", 200)]


def test_reexported_settings_are_reported(tmp_path: Path) -> None:
    own = "const revalidate = 60;\nexport { revalidate };\n" + APP
    files = {"app/a/route.js": "export { GET, revalidate } from '../b/route';", "app/b/route.js": own}
    first, second = _convert(write_project(tmp_path, files)).routes
    assert [(p.line, p.code) for p in first.problems if p.severity == Severity.ERROR] == [(1, "config")]
    assert second.config == {"revalidate": 60}


def test_next_exports_used_only_as_types_are_no_problem(tmp_path: Path) -> None:
    text = "import { NextResponse, NextFetchEvent, userAgent } from 'next/server';\n"
    text += "export const GET = (event: NextFetchEvent) => NextResponse.json(1);\n"
    assert _convert(write_project(tmp_path, {"app/a/route.ts": text})).complete


@pytest.mark.parametrize(
    ("config", "severities"),
    [
        ("pageExtensions: ['page.ts', 'ts', 'tsx', 'js', 'jsx']", ["error"]),
        ("pageExtensions: ['ts']", ["error"]),
        ("pageExtensions: ['mdx', 'ts', 'tsx', 'js', 'jsx']", []),
        ("env: { API: 'https://api.example' }", ["warning"]),
    ],
)
def test_settings_that_change_routes_are_reported(config: str, severities: list[str], tmp_path: Path) -> None:
    files = {ROUTE: PAGES, "next.config.mjs": f"export default {{\n  {config},\n}};\n"}
    problems = _convert(write_project(tmp_path, files)).problems
    assert [str(problem.severity) for problem in problems] == severities
    assert all(problem.line == 2 for problem in problems)


def test_invalid_segments_are_refused(tmp_path: Path) -> None:
    files = {"pages/api/[...all]/more.js": PAGES, "pages/api/[].js": PAGES, "app/(.)photo/route.js": APP}
    assert [p.code for p in _convert(write_project(tmp_path, files)).problems] == ["segment"] * 3


def test_warnings_do_not_stop_the_conversion(tmp_path: Path) -> None:
    text = "import x from 'unknown-package';\nexport const maxDuration = 300;\nx(process.cwd());\n" + APP
    conversion = _convert(write_project(tmp_path, {"app/a/route.js": text, "package.json": "{}"}))
    assert conversion.complete
    assert sorted(p.code for p in conversion.problems) == ["config", "dependency", "files"]


@pytest.mark.parametrize("version", ["workspace:*", "catalog:", "file:../db"])
def test_a_version_local_to_the_workspace_is_reported(version: str, tmp_path: Path) -> None:
    text = "import { db } from '@acme/db';\ndb();\n" + APP
    package = f'{{"dependencies": {{"@acme/db": "{version}"}}}}'
    (warning,) = _convert(write_project(tmp_path, {"app/a/route.js": text, "package.json": package})).problems
    assert (warning.file, warning.line, warning.severity) == ("app/a/route.js", 1, Severity.WARNING)
    assert version in warning.message


def test_vercel_features_are_reported(tmp_path: Path) -> None:
    text = "import { NextRequest } from 'next/server';\nexport const GET = (request: NextRequest) =>\n"
    text += "  Response.json([request.ip, request.geo?.city,\n    process.env.VERCEL_URL]);\n"
    problems = _convert(write_project(tmp_path, {"app/a/route.ts": text})).problems
    assert [(p.line, p.code, p.severity) for p in problems] == [
        (3, "vercel", Severity.WARNING),
        (3, "vercel", Severity.WARNING),
        (4, "vercel", Severity.WARNING),
    ]


def test_a_directory_without_routes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConversionError, match="no API routes"):
        _convert(write_project(tmp_path, {"lib/a.js": ""}))


def test_an_unreadable_tsconfig_is_reported(tmp_path: Path) -> None:
    files = {ROUTE: PAGES, "tsconfig.json": '{"compilerOptions": {"paths": nonsense()}}'}
    (problem,) = _convert(write_project(tmp_path, files)).problems
    assert (problem.file, problem.code) == ("tsconfig.json", "tsconfig")

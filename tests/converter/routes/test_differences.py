"""What differs between Next's server and a function is mended or reported, never passed over."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from converter.problems import Severity
from converter.routes.model import Options
from tests.converter import node
from tests.converter.projects import convert_to, write_project

PACKAGE = {
    "node_modules/greeter/package.json": '{"name": "greeter", "version": "1.0.0", "main": "index.js"}',
    "node_modules/greeter/index.js": "Object.defineProperty(exports, '__esModule', { value: true });\n"
    "exports.default = (name) => `hello ${name}`;\nexports.bye = (name) => `bye ${name}`;\n",
    "node_modules/plain/package.json": '{"name": "plain", "version": "1.0.0", "main": "index.js"}',
    "node_modules/plain/index.js": "module.exports = (name) => `plain ${name}`;\n",
}
DEPENDENCIES = '{"dependencies": {"greeter": "1.0.0", "plain": "1.0.0"}}'
IMPORTS = {
    "default": ("import greet from 'greeter';\nimport plain from 'plain';\n", "[greet('a'), plain('b')]"),
    "default by name": ("import { default as greet, bye } from 'greeter';\n", "[greet('a'), bye('b')]"),
    "namespace": ("import * as all from 'greeter';\n", "[all.default('a'), all.bye('b')]"),
    "dynamic": ("", "[(await import('greeter')).default('a'), (await import('plain')).default('b')]"),
    "re-exported": ("import { greet, bye } from '../../lib/greet';\n", "[greet('a'), bye('b')]"),
}
EXPECTED = {
    "default": ["hello a", "plain b"],
    "dynamic": ["hello a", "plain b"],
    "default by name": ["hello a", "bye b"],
    "namespace": ["hello a", "bye b"],
    "re-exported": ["hello a", "bye b"],
}
CALL = """
const { handler } = require(process.argv[1]);
const event = { httpMethod: "GET", path: process.argv[2], headers: {} };
handler(event).then((response) => console.log(JSON.stringify(response)));
"""


def _call(out: Path, name: str, url: str) -> dict[str, object]:
    function = out / "netlify" / "functions" / f"{name}.cjs"
    command = [node.program("node"), "-e", CALL, str(function), url]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    response: dict[str, object] = json.loads(result.stdout)
    return response


@pytest.mark.parametrize("kind", IMPORTS)
def test_a_transpiled_package_is_imported_as_in_next(kind: str, tmp_path: Path) -> None:
    imports, value = IMPORTS[kind]
    files = {
        "app/hi/route.ts": f"{imports}export const GET = async () => Response.json({value});\n",
        "lib/greet.ts": "export { default as greet, bye } from 'greeter';\n",
        "package.json": DEPENDENCIES,
    }
    root, out = write_project(tmp_path / "in", files), write_project(tmp_path / "out", PACKAGE)
    conversion = convert_to(root, out)
    assert conversion.complete, conversion.problems
    response = _call(out, "hi", "/hi")
    assert (response["statusCode"], json.loads(str(response["body"]))) == (200, EXPECTED[kind])


def test_a_package_imported_with_types_compiles_as_a_value(tmp_path: Path) -> None:
    route = "import greet from 'greeter';\nexport const GET = () => Response.json(greet('a').length);\n"
    declared = "declare const greet: (name: string) => string;\nexport default greet;\n"
    root = write_project(tmp_path / "in", {"app/hi/route.ts": route, "package.json": DEPENDENCIES})
    out = tmp_path / "out"
    convert_to(root, out, Options(typescript=True))
    # The compiler takes the packages of the tests, so the types are declared here.
    write_project(
        out, {"netlify/greeter.d.cts": f"declare module 'greeter' {{\n{declared.replace('declare ', '')}}}\n"}
    )
    assert node.compile_tree(out) == ""


def test_a_package_name_used_as_a_type_is_reported(tmp_path: Path) -> None:
    route = (
        "import Greeter from 'greeter';\nexport const GET = (g: Greeter) => Response.json(new Greeter());\n"
    )
    root = write_project(tmp_path / "in", {"app/hi/route.ts": route, "package.json": DEPENDENCIES})
    (problem,) = convert_to(root, tmp_path / "out", Options(typescript=True)).problems
    assert (problem.line, problem.code, problem.severity) == (1, "commonjs-default", Severity.WARNING)


AWAITED = [
    "const value = await Promise.resolve(7);\n",
    "if (process.env.A) { await 1; }\n",
    "for await (const part of []) console.log(part);\n",
]


@pytest.mark.parametrize("code", AWAITED)
def test_top_level_await_is_refused_in_a_classic_function(code: str, tmp_path: Path) -> None:
    route = "import './lib';\nexport const GET = async () => { await 1; return Response.json(1); };\n"
    root = write_project(tmp_path / "in", {"app/a/route.ts": route, "app/a/lib.ts": f"{code}export {{}};\n"})
    (problem,) = convert_to(root, tmp_path / "out").problems
    assert (problem.file, problem.line, problem.code) == ("app/a/lib.ts", 1, "top-level-await")
    assert "--v2" in problem.by_hand
    assert convert_to(root, tmp_path / "v2", Options(v2=True)).complete


STATE = [
    ("export const store = new Map();\n", "import { store } from '../../lib/store';\nstore.set('k', 1);\n"),
    ("export const store = { n: 1 };\n", "import { store as s } from '../../lib/store';\ns.n = 2;\n"),
    ("const store = [1];\nexport default store;\n", "import list from '../../lib/store';\nlist.push(2);\n"),
    ("export const store = { n: 1 };\n", "import * as all from '../../lib/store';\nall.store.n++;\n"),
    (
        "let last;\nexport const put = (v) => { last = v; };\n",
        "import { put } from '../../lib/store';\nput(1);\n",
    ),
    ("globalThis.last ??= [1];\nexport {};\n", "import '../../lib/store';\n"),
    (
        "export default new Store();\nclass Store { all = {}; put(k, v) { this.all[k] = v; } }\n",
        "import store from '../../lib/store';\nstore.put('k', 1);\n",
    ),
    (
        "export const store = new Store();\nclass Store { count = 0; add() { this.count++; } }\n",
        "import { store } from '../../lib/store';\nstore.add();\n",
    ),
    (
        "module.exports = new Store();\nfunction other() {}\nclass Store { set(v) { this.v = v; } }\n",
        "import store from '../../lib/store';\nstore.set(1);\n",
    ),
    (
        "const s = {};\nexport const get = () => s;\n",
        "import { get } from '../../lib/store';\nget().a = 1;\n",
    ),
    ("exports.store = { n: 1 };\n", "import { store } from '../../lib/store';\nstore.n = 2;\n"),
]


@pytest.mark.parametrize(("store", "writer"), STATE)
def test_state_that_routes_share_is_reported(store: str, writer: str, tmp_path: Path) -> None:
    route = "export const GET = () => new Response('');\n"
    reader = "import '../../lib/store';\n"
    files = {"app/a/route.js": writer + route, "app/b/route.js": reader + route, "lib/store.js": store}
    conversion = convert_to(write_project(tmp_path / "in", files), tmp_path / "out")
    assert conversion.complete
    problems = [(p.file, p.line, p.code, p.severity) for p in conversion.problems]
    assert problems == [("lib/store.js", 1, "module-state", Severity.WARNING)]


@pytest.mark.parametrize(
    ("writer", "reader"),
    [
        ("globalThis.count = 1;", "globalThis.count"),
        ("global.count++;", "globalThis?.count"),
        ("(globalThis as any).count ??= 0;", "(globalThis as any).count"),
        ("globalThis['list'].push(1);", "global.list"),
    ],
)
def test_globals_that_routes_share_are_reported(writer: str, reader: str, tmp_path: Path) -> None:
    files = {
        "app/a/route.ts": f"export const POST = () => {{ {writer} return new Response(''); }};\n",
        "app/b/route.ts": f"export const GET = () => Response.json({reader} ?? 0);\n",
        "app/c/route.ts": "export const GET = () => Response.json(globalThis.fetch.name);\n",
    }
    conversion = convert_to(write_project(tmp_path / "in", files), tmp_path / "out")
    problems = {(p.file, p.line, p.code, p.severity) for p in conversion.problems}
    assert problems == {("app/a/route.ts", 1, "module-state", Severity.WARNING)}


A_ROUTE = "import { a } from '../../lib/a';\nexport const GET = () => a;\n"


def test_constants_that_routes_share_are_no_state(tmp_path: Path) -> None:
    files = {f"app/{name}/route.js": A_ROUTE for name in "xy"}
    lib = "export const a = { b: [1], c: 2 };\n"
    lib += "export const f = () => { const list = []; list.push(a); return list; };\n"
    conversion = convert_to(write_project(tmp_path / "in", {**files, "lib/a.js": lib}), tmp_path / "out")
    assert conversion.problems == []


STREAMS = [
    ("warning", "new ReadableStream({ start(c) { setInterval(() => c.enqueue('x'), 9); } })", "text/plain"),
    ("warning", "new ReadableStream({ pull(c) { return next(c); } })", "text/event-stream"),
    ("warning", "new ReadableStream({ async start(c) { while (true) await next(c); } })", "text/plain"),
    ("warning", "ReadableStream.from((async function* () { for (;;) yield 'x'; })())", "text/plain"),
    ("warning", "ReadableStream.from({ async *[Symbol.asyncIterator]() { while (true) yield 'x'; } })", ""),
    ("info", "ReadableStream.from(numbers())", "text/plain"),
    ("info", "new ReadableStream({ start(c) { c.enqueue('x'); c.close(); } })", "text/plain"),
]


@pytest.mark.parametrize(("severity", "stream", "kind"), STREAMS)
def test_a_stream_that_may_not_end_is_a_warning(
    severity: str, stream: str, kind: str, tmp_path: Path
) -> None:
    route = (
        f"export const GET = () => new Response({stream}, {{ headers: {{ 'content-type': '{kind}' }} }});\n"
    )
    root = write_project(tmp_path / "in", {"app/a/route.js": route})
    (problem,) = convert_to(root, tmp_path / "out").problems
    assert (problem.code, str(problem.severity)) == ("streaming", severity)
    assert convert_to(root, tmp_path / "v2", Options(v2=True)).problems == []


@pytest.mark.parametrize(
    "specifier", ["../generated/prisma/client", "@/__generated__/gql", "./codegen/types"]
)
def test_a_missing_file_of_a_generator_names_the_generator(specifier: str, tmp_path: Path) -> None:
    route = f"import {{ a }} from '{specifier}';\nexport const GET = () => a;\n"
    alias = '{"compilerOptions": {"paths": {"@/*": ["./*"]}}}'
    root = write_project(tmp_path / "in", {"app/a/route.ts": route, "tsconfig.json": alias})
    (problem,) = convert_to(root, tmp_path / "out").problems
    assert (problem.code, "generator" in problem.by_hand) == ("missing", True)


def test_types_of_next_without_a_use_in_functions_are_kept(tmp_path: Path) -> None:
    route = "import type { NextRequest, NextFetchEvent } from 'next/server';\n"
    route += "import type { Metadata, GetServerSideProps } from 'next';\n"
    route += "export type A = [Metadata, GetServerSideProps<{ a: 1 }>];\n"
    route += "export const GET = (r: NextRequest, e?: NextFetchEvent) => Response.json(typeof e);\n"
    root, out = write_project(tmp_path / "in", {"app/a/route.ts": route}), tmp_path / "out"
    assert convert_to(root, out, Options(typescript=True)).complete
    assert node.compile_tree(out) == ""


def test_an_import_alias_of_a_type_is_removed(tmp_path: Path) -> None:
    route = "import { Q } from '../../q';\nimport Args = Q.Args;\n"
    route += "export const GET = () => { const a: Args = { n: 1 }; return Response.json(a); };\n"
    library = "export namespace Q { export type Args = { n: number } }\n"
    root = write_project(tmp_path / "in", {"app/a/route.ts": route, "q.ts": library})
    assert convert_to(root, tmp_path / "out").complete
    assert _call(tmp_path / "out", "a", "/a")["body"] == '{"n":1}'


@pytest.mark.parametrize("code", ["import f = Q.f;\nf();\n", "export import f = Q.f;\n"])
def test_an_import_alias_of_a_value_is_refused(code: str, tmp_path: Path) -> None:
    route = f"import {{ Q }} from 'q';\n{code}export const GET = () => Q;\n"
    root = write_project(tmp_path / "in", {"app/a/route.ts": route})
    codes = [problem.code for problem in convert_to(root, tmp_path / "out").problems]
    assert "typescript" in codes

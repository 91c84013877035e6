"""State that routes share through a module is reported in every form, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from converter.problems import Severity
from tests.converter.projects import convert_to, write_project

USE = "import { inc } from '../../lib/store';\nexport const GET = () => Response.json(inc());\n"
CLOSURE = "function makeCounter() { let n = 0; return { inc: () => ++n, get: () => n }; }\n"
COUNTER = "export const counter = makeCounter();\nexport const inc = () => counter.inc();\n"
# What the module has, and the line of the warning.
STATE = {
    "a maker": (CLOSURE + COUNTER, 2),
    "a maker below": (COUNTER + CLOSURE, 1),
    "an arrow maker": (
        "const make = () => { let n = 0; return () => ++n; };\nexport const inc = make();\n",
        2,
    ),
    "a maker of a function": (
        "function make() { let n = 0; function inc() { n += 1; return n; } return inc; }\n"
        "export const inc = make();\n",
        2,
    ),
    "a maker with a list": (
        "const make = () => { const all = []; return { inc: (x) => all.push(x) }; };\n"
        "export const { inc } = make();\n",
        2,
    ),
    "a parameter": ("const make = (n) => () => n++;\nexport const inc = make(1);\n", 2),
    "a maker through a maker": (
        "const inner = () => { let n = 0; return () => ++n; };\nconst outer = () => inner();\n"
        "export const inc = outer();\n",
        3,
    ),
    "a function called at once": (
        "export const { inc } = (() => { let n = 0; return { inc: () => ++n }; })();\n",
        1,
    ),
    "a maker of another module": (
        "import { make as m } from './makers';\nexport const inc = m();\n",
        2,
    ),
    "a default maker": ("import m from './makers';\nexport const inc = m();\n", 2),
    "a maker of a namespace": ("import * as m from './makers';\nexport const inc = m.make();\n", 2),
    "a maker behind a barrel": ("import { fresh } from './barrel';\nexport const inc = fresh();\n", 2),
    "a wrapper": (
        "const once = (f) => { let v; return () => v ?? (v = f()); };\nexport const inc = once(() => 1);\n",
        2,
    ),
    "a member of a call": (CLOSURE + "export const inc = makeCounter().inc;\n", 2),
    "an awaited maker": (
        "async function make() { let n = 0; return () => ++n; }\nexport const inc = await make();\n",
        2,
    ),
    "inside an object": (
        CLOSURE + "export const all = { a: makeCounter() };\nexport const inc = all.a.inc;\n",
        2,
    ),
    "in another's argument": (
        "class Service { constructor(all) { this.all = all; } }\n"
        "export const service = new Service(new Map());\nexport const inc = () => 1;\n",
        2,
    ),
    "a method of an object": (
        "export const s = { n: 0, inc() { return ++this.n; } };\nexport const inc = 1;\n",
        1,
    ),
    "an object of a maker": (
        "const make = () => ({ n: 0, inc() { return ++this.n; } });\nexport const s = make();\n"
        "export const inc = () => s.inc();\n",
        2,
    ),
    "a private field": (
        "class C { #n = 0; inc() { return ++this.#n; } }\nconst c = new C();\n"
        "export const inc = () => c.inc();\n",
        2,
    ),
    "an arrow field": (
        "class C { n = 0; inc = () => ++this.n; }\nconst c = new C();\nexport const inc = () => c.inc();\n",
        2,
    ),
    "a derived class": (
        "class A { n = 0; inc() { return ++this.n; } }\nclass B extends A {}\nconst b = new B();\n"
        "export const inc = () => b.inc();\n",
        3,
    ),
    "a closure of a constructor": (
        "class C { constructor() { let n = 0; this.inc = () => ++n; } }\nconst c = new C();\n"
        "export const inc = () => c.inc();\n",
        2,
    ),
    "a static field": (
        "export class C { static n = 0; static inc() { return ++this.n; } }\n"
        "export const inc = () => C.inc();\n",
        1,
    ),
    "a static maker": (
        "class C { static make() { let n = 0; return () => ++n; } }\nexport const inc = C.make();\n",
        2,
    ),
    "a prototype": (
        "function C() { this.n = 0; }\nC.prototype.inc = function () { return ++this.n; };\n"
        "const c = new C();\nexport const inc = () => c.inc();\n",
        3,
    ),
    "a generator": (
        "function* ids() { let n = 0; while (n < 9) yield n++; }\nconst all = ids();\n"
        "export const inc = () => all.next().value;\n",
        2,
    ),
    "a part of a list": (
        "const todos = [{ id: 1, done: 0 }];\n"
        "export const inc = (id) => { const t = todos.find((x) => x.id === id); t.done++; return t; };\n",
        1,
    ),
    "each part of a list": (
        "const todos = [{ n: 1 }];\nexport const inc = () => { for (const t of todos) t.n += 1; };\n",
        1,
    ),
    "a callback's part": (
        "const todos = [{ n: 1 }];\nexport const inc = () => todos.forEach((t) => { t.n += 1; });\n",
        1,
    ),
    "a member by another name": (
        "const db = { users: [1] };\nexport const inc = () => { const { users } = db; users.push(2); };\n",
        1,
    ),
    "delete": ("const all = { a: 1 };\nexport const inc = (k) => { delete all[k]; };\n", 1),
    "Object.assign": ("const all = { a: 1 };\nexport const inc = (p) => Object.assign(all, p);\n", 1),
    "a destructured assignment": (
        "const all = { a: 1, b: 2 };\nexport const inc = () => { [all.a, all.b] = [all.b, all.a]; };\n",
        1,
    ),
    "a property of a function": (
        "export function inc() { inc.n = (inc.n ?? 0) + 1; return inc.n; }\n",
        1,
    ),
    "an emitter": (
        "import { EventEmitter } from 'node:events';\nexport const bus = new EventEmitter();\n"
        "export const inc = () => bus.emit('a');\n",
        2,
    ),
    "a cache of a package": (
        "import { LRUCache } from 'lru-cache';\nconst cache = new LRUCache({ max: 9 });\n"
        "export const inc = () => cache.get('a');\n",
        2,
    ),
    "a required emitter": (
        "const Events = require('events');\nconst bus = new Events();\nexports.inc = () => bus.emit('a');\n",
        2,
    ),
    "an emitter of one's own": (
        "import { EventEmitter } from 'events';\nclass Bus extends EventEmitter {}\n"
        "export const bus = new Bus();\nexport const inc = () => bus.emit('a');\n",
        3,
    ),
    "a key made at the start": (
        "import { randomBytes } from 'node:crypto';\nconst key = randomBytes(32).toString('hex');\n"
        "export const inc = () => key;\n",
        2,
    ),
    "a random global": (
        "export const id = crypto.randomUUID();\nexport const inc = () => id;\n",
        1,
    ),
    "module.exports of a maker": (
        "function make() { let n = 0; return { inc: () => ++n }; }\nmodule.exports = make();\n",
        2,
    ),
    "module.exports with a maker": (
        "function make() { let n = 0; return () => ++n; }\nmodule.exports = { inc: make() };\n",
        2,
    ),
}
MAKERS = {
    "lib/makers.js": "export const make = () => { let n = 0; return () => ++n; };\nexport default make;\n",
    "lib/barrel.js": "export { default as fresh } from './makers';\n",
}
PACKAGE = (
    '{"dependencies": {"lru-cache": "11.0.0", "@prisma/client": "6.0.0", "ioredis": "5.0.0", "zod": "4.0.0"}}'
)


def _project(directory: Path, store: str, reader: str = USE) -> Path:
    files = {"app/a/route.js": USE, "app/b/route.js": reader, "lib/store.js": store, "package.json": PACKAGE}
    return write_project(directory, {**files, **MAKERS})


@pytest.mark.parametrize("name", STATE)
def test_state_is_reported(name: str, tmp_path: Path) -> None:
    store, line = STATE[name]
    conversion = convert_to(_project(tmp_path / "in", store), tmp_path / "out")
    problems = [(p.file, p.line, p.severity) for p in conversion.problems if p.code == "module-state"]
    assert problems == [("lib/store.js", line, Severity.WARNING)]


# Changed by a route that imports it.
CHANGED = {
    "export default { n: 0, m: 1 };\n": ("store", "store.n++;"),
    "module.exports = { n: 0, m: 1 };\n": ("s", "s.n++;"),
    "const s = { n: 0, m: 1 };\nexport default s;\n": ("s", "s.n++;"),
    "const s = { n: 0 };\nexport const get = () => s;\n": ("{ get as g }", "g().n = 1;"),
    "const s = new Map([[1, 2]]);\nexport function get() { return s; }\n": (
        "{ get }",
        "const m = get(); m.set(1, 3);",
    ),
    "export const s = { list: [1] };\n": ("{ s }", "const { list } = s; list.push(1);"),
}


@pytest.mark.parametrize("store", CHANGED)
def test_what_a_route_changes_is_reported(store: str, tmp_path: Path) -> None:
    reader = "import '../../lib/store';\nexport const GET = () => new Response('');\n"
    names, change = CHANGED[store]
    writer = f"import {names} from '../../lib/store';\nexport const POST = () => {{ {change} }};\n"
    files = {"app/a/route.js": writer, "app/b/route.js": reader, "lib/store.js": store}
    conversion = convert_to(write_project(tmp_path / "in", files), tmp_path / "out")
    assert [(p.file, p.line, p.code) for p in conversion.problems] == [("lib/store.js", 1, "module-state")]


CONSTANT = [
    "const LABELS = new Map([['a', 1]]);\nexport const inc = () => LABELS.get('a');\n",
    "export const ALLOWED = new Set(['a', 'b']);\nexport const inc = () => ALLOWED.has('a');\n",
    "export const inc = () => { const all = []; all.push(1); return all; };\nexport const all = [1];\n",
    "export function inc(all = [1]) { let n = 0; all.forEach((x) => { n += x; }); return n; }\n"
    "export const total = inc([1, 2]);\n",
    "import Redis from 'ioredis';\nconst redis = new Redis();\nexport const inc = () => redis.set('a', 1);\n",
    "import { PrismaClient } from '@prisma/client';\nconst g = globalThis;\n"
    "export const prisma = g.prisma ?? new PrismaClient();\nif (1) g.prisma = prisma;\n"
    "export const inc = () => prisma.user.delete({});\n",
    "import Redis from 'ioredis';\nlet client;\nexport const get = () => (client ??= new Redis());\n"
    "export const inc = () => get().set('a', 1);\n",
    "import Redis from 'ioredis';\nconst open = () => new Redis();\nconst db = open();\n"
    "export const inc = () => db.delete('a');\n",
    "import Redis from 'ioredis';\n"
    "class Repo { constructor(db) { this.db = db; } delete(k) { return this.db.del(k); } }\n"
    "const repo = new Repo(new Redis());\nexport const inc = () => repo.delete('a');\n",
    "import { z } from 'zod';\nexport const shape = z.object({ a: z.string() });\n"
    "export const inc = () => shape;\n",
    "const config = { b: 1 };\nconfig.a = 1;\nexport const inc = () => Object.freeze(config).a;\n",
    "class P { constructor(t) { this.t = t; this.at = 0; } read() { return this.t; } }\n"
    "const p = new P('a');\nexport const inc = () => p.read();\n",
    "const wrap = (f) => (...args) => f(...args);\nexport const inc = wrap(() => 1);\n",
    "function read() { return new Promise((done) => { let t = ''; t += 'a'; done(t); }); }\n"
    "export const text = read();\nexport const inc = () => text;\n",
    "const sorted = [3, 1].slice().sort();\nexport const inc = () => sorted[0];\n",
    "export const inc = (items) => { const copy = [...items]; copy.sort(); return copy; };\n",
    "const parse = (t) => { const out = {}; for (const l of t.split(';')) { out[l] = 1; } return out; };\n"
    "export const inc = () => 1;\nexport const rules = parse('a;b');\n",
    "import { randomBytes } from 'node:crypto';\nexport const inc = () => randomBytes(2).toString('hex');\n",
]


@pytest.mark.parametrize("store", CONSTANT)
def test_what_is_the_same_in_each_function_is_not_reported(store: str, tmp_path: Path) -> None:
    conversion = convert_to(_project(tmp_path / "in", store), tmp_path / "out")
    assert [problem for problem in conversion.problems if problem.code != "top-level-await"] == []

"""Measure the converter: routes a second, from reading the project to the written functions.

The rivals work on the same files: tree-sitter only parses them, the TypeScript compiler only removes types
(transpileModule, in a process that is already warm).
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from converter.javascript.syntax import SUFFIXES, parse
from converter.routes.conversion import convert
from converter.routes.model import Options
from converter.routes.output import write

from .stage import ROOT

CORPUS = ROOT / "tests" / "converter" / "routes" / "corpus" / "shop"
ROUNDS = 10
LARGE, MODULES = 500, 250
COMPILER = """
const ts = require(process.argv[1]);
const files = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
const compilerOptions = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext };
const strip = ([fileName, text]) => ts.transpileModule(text, { compilerOptions, fileName });
const work = () => files.forEach(strip);
work();
const times = Array.from({ length: 10 }, () => {
  const started = performance.now();
  work();
  return performance.now() - started;
});
console.log(times.sort((a, b) => a - b)[5] / 1000);
"""


def main() -> None:
    files = [path for path in sorted(CORPUS.rglob("*")) if path.suffix in SUFFIXES]
    texts = [(path.name, path.read_bytes()) for path in files]
    routes = len(convert(CORPUS, Options()).routes)
    with tempfile.TemporaryDirectory(prefix="agentforge-bench-") as name:
        directories = iter(Path(name) / str(number) for number in range(ROUNDS))
        seconds = _median(lambda: write(convert(CORPUS, Options()).files, next(directories)))
    parsing = _median(lambda: [parse(file, text) for file, text in texts])
    figure = {"figure": "converted_routes_a_second", "routes": routes, "value": round(routes / seconds)}
    rivals = {"parsed_only": round(routes / parsing), "types_out_by_tsc": round(routes / _compiler(texts))}
    print(json.dumps({**figure, "rivals": rivals}), flush=True)
    print(json.dumps(_measure_large_project()), flush=True)


def _measure_large_project() -> dict[str, object]:
    """Measure 500 routes that share 250 modules, and the memory that the conversion takes."""
    with tempfile.TemporaryDirectory(prefix="agentforge-bench-") as name:
        root = Path(name) / "project"
        _write_large_project(root)
        started = time.perf_counter()
        write(convert(root, Options()).files, Path(name) / "out")
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    return {
        "figure": "converted_routes_a_second_large",
        "routes": LARGE,
        "value": round(LARGE / seconds, 1),
        "peak_mib": peak,
    }


def _write_large_project(root: Path) -> None:
    """Write routes that all reach all modules, as those of large projects do."""
    functions = "\n".join(
        f"export async function step{i}(value: string): Promise<number> {{ return value.length + {i}; }}"
        for i in range(MODULES // 10)
    )
    for number in range(MODULES):
        following = f"import './module{number + 1}';\n" if number + 1 < MODULES else ""
        place = root / "lib" / f"module{number}.ts"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(following + functions)
    for number in range(LARGE):
        place = root / "app" / "api" / f"route{number}" / "route.ts"
        place.parent.mkdir(parents=True)
        place.write_text(
            "import { step1 } from '../../../lib/module0';\n"
            f"export async function GET() {{ return Response.json(await step1('{number}')); }}\n"
        )


def _median(work: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def _compiler(texts: list[tuple[str, bytes]]) -> float:
    """Return the seconds that the TypeScript compiler needs for all files."""
    from tests.converter.node import packages, program

    result = subprocess.run(
        [program("node"), "-e", COMPILER, str(packages() / "typescript")],
        input=json.dumps([(file, text.decode()) for file, text in texts]),
        capture_output=True,
        text=True,
        check=True,
    )
    return float(result.stdout)


if __name__ == "__main__":
    main()

"""The type stripper and the TypeScript compiler produce the same JavaScript."""

from __future__ import annotations

from pathlib import Path

from converter.routes.conversion import convert
from converter.routes.model import Options
from tests.converter import node
from tests.converter.projects import write_project


def test_output_equals_the_compilers(tmp_path: Path) -> None:
    snippets = {
        file.stem: file.read_text() for file in sorted(Path(__file__).with_name("corpus").glob("*.ts"))
    }
    files = {f"pages/api/{name}.ts": text for name, text in snippets.items()}
    files |= {
        "pages/api/types.ts": "export default 1; export type T = 1; export const v = 1; export class C {}"
    }
    conversion = convert(write_project(tmp_path, files), Options())
    assert conversion.problems == []
    ours = {path.stem: text for path, text in conversion.files.items() if "routes" in path.parts}
    job = {
        "typescript": str(node.packages() / "typescript"),
        "pairs": [[name, text, ours[name].partition("\n")[2]] for name, text in snippets.items()],
    }
    for name, theirs, own in node.run("strip.cjs", job):
        assert (name, own) == (name, theirs)

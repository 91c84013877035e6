"""Scripts become one file each when they are collected, and do what their modules do."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from agentforge.static_bundles import NotBundled, bundle, compact_style
from tests.drivers.absence import absent

STATIC = Path(__file__).parent.parent / "static"


def of(**modules: str) -> str:
    return bundle(lambda name: modules[name.removesuffix(".js")], "main.js")


def run(script: str) -> object:
    node = shutil.which("node")
    if node is None:
        absent("needs Node.js: apt-get install nodejs")
    command = [node, "--input-type=module", "-e", script]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def test_modules_run_once_in_the_order_of_their_imports() -> None:
    script = of(
        main='import "./a.js";\nimport { first as one, two } from "./b.js";\n'
        "console.log(JSON.stringify([globalThis.order, one(), two]));\n",
        a='import { two } from "./b.js";\nglobalThis.order.push(`a${two}`);\n',
        b='globalThis.order = ["b"];\nexport function first() { return hidden; }\nexport const two = 2;\n'
        "// Not seen by others.\nconst hidden = 1;\n",
    )
    assert run(script) == [["b", "a2"], 1, 2]


def test_names_of_one_module_do_not_meet_those_of_another() -> None:
    script = of(
        main='import { value } from "./a.js";\nconst own = 1;\nconsole.log(JSON.stringify([own, value]));\n',
        a="const own = 2;\nexport const value = own;\n",
    )
    assert run(script) == [1, 2]


def test_an_address_is_relative_to_the_module_that_names_it() -> None:
    modules = {
        "js/main.js": 'import "./live/a.js";\n',
        "js/live/a.js": 'new URL("b.js", import.meta.url);\n',
    }
    script = bundle(modules.__getitem__, "js/main.js")
    assert 'new URL("b.js", new URL("live/a.js", import.meta.url).href)' in script


@pytest.mark.parametrize(
    ("main", "problem"),
    [
        ('import main from "./a.js";\n', "import main"),
        ('import * as a from "./a.js";\n', "import \\*"),
        ("export default 1;\n", "export default"),
        ("export let changing = 1;\n", "export let"),
        ("const text = `one\ntwo`;\n", "several lines"),
        ('import "./main.js";\n', "imports itself"),
    ],
)
def test_other_syntax_is_refused_rather_than_broken(main: str, problem: str) -> None:
    with pytest.raises(NotBundled, match=problem):
        of(main=main, a="export const a = 1;\n")


@pytest.mark.parametrize("name", ["js/agentforge.js", "js/files.js", "js/log/panel.js", "js/live/worker.js"])
def test_the_scripts_of_the_pages_can_be_bundled(name: str) -> None:
    script = bundle(lambda path: (STATIC / path).read_text(), name)
    assert "\nimport " not in script
    assert "\nexport " not in script


def test_a_stylesheet_keeps_its_rules() -> None:
    assert compact_style("/* Why\n it is */\n.a {\n  color: red; /* this */\n}\n") == ".a {\ncolor: red;\n}\n"

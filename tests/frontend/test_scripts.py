"""The scripts of the pages: how they import each other, and the unit tests of those that need no browser."""

from __future__ import annotations

import graphlib
import re
import shutil
import subprocess
from pathlib import Path

from tests.drivers.absence import absent

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
# Pages with a log load its panel too.
ENTRIES = {ROOT / "static" / "js" / name for name in ("agentforge.js", "files.js", "log/panel.js")}
UNIT_TESTS = Path("tests/frontend/js")


def imports_of(script: Path) -> set[Path]:
    imported = re.findall(r'^(?:import|.* from) "(\.[^"]+)";', script.read_text(), re.MULTILINE)
    workers = re.findall(r'new URL\("([^"]+\.js)", import\.meta\.url\)', script.read_text())
    return {(script.parent / name).resolve() for name in (*imported, *workers)}


def test_every_script_is_imported() -> None:
    imported = set().union(*(imports_of(path) for path in SCRIPTS))
    assert set(SCRIPTS) - imported == ENTRIES


def test_sentences_of_the_server_are_not_repeated_in_scripts() -> None:
    """What a page says comes from the server, so that it says the same live and after a reload."""
    folders = ("agentforge", "builds", "configs", "deployments", "templates")
    files = (path for folder in folders for path in (ROOT / folder).rglob("*"))
    server = "\n".join(path.read_text() for path in files if path.suffix in {".py", ".html"})
    for script in SCRIPTS:
        sentences = re.findall(r'"([A-Z][^"\\\n]* [^"\\\n]* [^"\\\n]*\.)"', script.read_text())
        repeated = [sentence for sentence in sentences if sentence in server]
        assert not repeated, f"{script.name}: {repeated}"


def test_no_scripts_import_each_other_in_a_circle() -> None:
    order = graphlib.TopologicalSorter({path: imports_of(path) for path in SCRIPTS})
    order.prepare()  # raises CycleError, which names the circle


def test_the_unit_tests_of_the_scripts_pass(tmp_path: Path) -> None:
    """Run them from a copy: Node.js reads a .js file as an ES module only where a package.json says so."""
    if (node := shutil.which("node")) is None:
        absent("needs Node.js: apt-get install nodejs")
    for folder in (Path("static/js"), UNIT_TESTS):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    (tmp_path / "package.json").write_text('{"type": "module"}')
    tests = sorted(str(path) for path in (tmp_path / UNIT_TESTS).glob("*.test.js"))
    done = subprocess.run(
        [node, "--test", *tests], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr

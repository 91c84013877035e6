"""Every test that docs/security.md names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "security.md"
_PYTHON = re.compile(r"^ *(?:async )?def (test_\w+)", re.MULTILINE)
_GO = re.compile(r"^func (Test\w+)", re.MULTILINE)


def test_each_promise_names_tests_that_exist() -> None:
    python, go = list((ROOT / "tests").rglob("*.py")), list((ROOT / "agent").rglob("*_test.go"))
    known = {path.name for path in python}
    known |= {name for path in python for name in _PYTHON.findall(path.read_text())}
    known |= {name for path in go for name in _GO.findall(path.read_text())}
    for promise, cell in _promises():
        named = re.findall(r"`([\w.]+)`", cell)
        assert named, f"No test holds: {promise}"
        assert set(named) <= known, f"Missing tests: {set(named) - known}"


def _promises() -> list[tuple[str, str]]:
    """Return the rows (promise, test) of the page's tables of promises."""
    rows: list[tuple[str, str]] = []
    in_promises = False
    for line in PAGE.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        in_promises = line.startswith("|") and (in_promises or cells[0].strip("| ") == "Promise")
        if in_promises and len(cells) == 2 and cells[0] != "Promise" and "---" not in line:
            rows.append((cells[0], cells[1].replace(" (`make chaos`)", "")))
    assert rows
    return rows

"""What CI installs is never missing in silence."""

from __future__ import annotations

import re

import pytest

from tests.drivers.absence import absent
from tests.drivers.forge import ROOT

# Programs that CI does not install.
ELSEWHERE = {"ANALYZE"}


def test_a_program_that_is_missing_fails_in_ci_and_is_named_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="apt-get install nginx"):
        absent("needs nginx: apt-get install nginx")
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="apt-get install nginx"):
        absent("needs nginx: apt-get install nginx")


def test_no_test_skips_for_a_program_by_itself() -> None:
    found = {
        str(path.relative_to(ROOT)): names - ELSEWHERE
        for path in (ROOT / "tests").rglob("*.py")
        if (names := set(re.findall(r"skipif\(\s*(?:not )?([A-Z]+|shutil|Path)\b(?! != )", path.read_text())))
    }
    assert {path: names for path, names in found.items() if names} == {}


def test_ci_installs_what_tests_name() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    installed = {name for group in re.findall(r"missing\+=\(([^)]+)\)", script) for name in group.split()}
    named = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        if path.name != "test_absence.py"
        for words in re.findall(r"absent\(\s*\"[^\"]*apt-get install ([a-z0-9 -]+)\"", path.read_text())
        for name in words.split()
    }
    assert {"nginx", "pgbouncer", "logrotate", "nodejs", "gcc"} <= named <= installed

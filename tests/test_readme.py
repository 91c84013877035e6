"""What the documentation promises exists."""

from __future__ import annotations

import re

from django.core.management import get_commands

from .drivers.forge import ROOT

README = (ROOT / "README.md").read_text()
SOURCES = [ROOT / "agentforge" / "settings.py", ROOT / "agentforge" / "launch" / "options.py"]


def test_every_setting_is_documented_once() -> None:
    read = {name for path in SOURCES for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', path.read_text())}
    table = re.findall(r"^\| `([A-Z_]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    assert sorted(table) == sorted(read)


def test_every_command_exists() -> None:
    running = (ROOT / "docs" / "running.md").read_text()
    named = re.findall(r"^\| `([a-z_]+)[ `]", running, re.MULTILINE)
    assert named
    assert set(named) - set(get_commands()) == set()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"^    make ([a-z]+)", README, re.MULTILINE))
    assert named == targets - {"help"}


def test_the_readme_stays_short() -> None:
    assert len(README.splitlines()) <= 80

"""What the README promises exists."""

from __future__ import annotations

import re

from django.core.management import get_commands

from .drivers.forge import ROOT

README = (ROOT / "README.md").read_text()
SOURCES = [ROOT / "agentforge" / "settings.py", ROOT / "agentforge" / "launch" / "options.py"]


def test_every_setting_is_in_the_table() -> None:
    read = {name for path in SOURCES for name in re.findall(r'env\.\w+\(\s*"([A-Z_]+)"', path.read_text())}
    table = set(re.findall(r"`([A-Z_]{4,})`", README))
    assert read - table == set()


def test_every_command_exists() -> None:
    named = re.findall(r"^\| `([a-z_]+)[ `]", README, re.MULTILINE)
    assert set(named) - set(get_commands()) == set()


def test_every_make_target_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"^    make ([a-z]+)", README, re.MULTILINE)) - targets == set()


def test_links_lead_somewhere() -> None:
    for path in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / path).exists(), path

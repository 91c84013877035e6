"""The drawing in docs/architecture.md shows the real folders, and documentation names real paths."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from .drivers.forge import ROOT

ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
# Their folders are drawn too.
ROOMS = ("agent", "agentforge", "builds", "configs", "converter", "deployments")
# Django's own, and caches: a reader knows them.
CONVENTIONAL = {"management", "migrations", "templatetags", "__pycache__"}
IGNORED = set(re.findall(r"^/?([\w.]+)/$", (ROOT / ".gitignore").read_text(), re.MULTILINE))


def drawn() -> set[str]:
    """Return the folders in the first block of the page, by their indentation: `builds`, `builds/queue`."""
    folders, room = set(), ""
    for indent, name in re.findall(r"^    ( *)([\w-]+)/ +\S", ARCHITECTURE, re.MULTILINE):
        if not indent:
            room = name
        folders.add(f"{room}/{name}" if indent else name)
    return folders


def folders_in(directory: Path) -> set[str]:
    """Return the folders with a file in them."""
    return {
        path.name
        for path in directory.iterdir()
        if path.is_dir()
        and not path.name.startswith(".")
        and path.name not in CONVENTIONAL | IGNORED
        and any(file.is_file() and "__pycache__" not in file.parts for file in path.rglob("*"))
    }


def test_the_drawing_shows_the_real_folders() -> None:
    real = folders_in(ROOT) | {f"{room}/{name}" for room in ROOMS for name in folders_in(ROOT / room)}
    assert {"not drawn": sorted(real - drawn()), "gone": sorted(drawn() - real)} == {
        "not drawn": [],
        "gone": [],
    }


def test_the_drawing_comes_first() -> None:
    title, blank, first, *_ = ARCHITECTURE.splitlines()
    assert (title, blank, first[:4].strip()) == ("# Architecture", "", "")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_paths_in_backticks_exist(page: Path) -> None:
    files = {path.name for folder in folders_in(ROOT) for path in (ROOT / folder).rglob("*.py")}
    for name in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?)`", page.read_text()):
        top, _, below = name.partition("/")
        if below or top in {path.name for path in ROOT.iterdir()}:
            ours = top in drawn() | {".githooks", ".ci"} or name.endswith(".py")
            assert not ours or (ROOT / name).exists(), name
        elif name.endswith(".py"):
            assert name in files, name


@pytest.mark.parametrize(
    "page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT))
)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_decision_is_in_the_index() -> None:
    directory = ROOT / "docs" / "decisions"
    pages = {path.name: path.read_text().splitlines()[0] for path in directory.glob("[0-9]*.md")}
    listed = re.findall(r"^- \[(\d{4})\]\((\S+)\) (.+)$", (directory / "README.md").read_text(), re.MULTILINE)
    assert {page: f"# {title}" for _, page, title in listed} == pages
    assert [number for number, page, _ in sorted(listed)] == [f"{n + 1:04d}" for n in range(len(pages))]

"""What every template, script and style has to keep to."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
# The pages of a deployed site are another product's: they have a style and a script of their own.
SITE = sorted((ROOT / "templates" / "deployments" / "site").rglob("*.html"))
TEMPLATES = sorted(set((ROOT / "templates").rglob("*.html")) - set(SITE))
SCRIPTS = sorted((ROOT / "static" / "js").rglob("*.js"))
SEARCH = (ROOT / "configs" / "search_sources.py").read_text()
CSS = (ROOT / "static" / "agentforge.css").read_text()

LINE_LENGTH = 120
# Classes that are put together (terminal colours, headings, icons), and the one of Django's lists of errors.
MADE_UP = ("sgr-", "level-", "icon-", "errorlist")

# Set for tests and styles alone: no script looks for them.
FOR_STYLE = {"state", "source", "level", "role", "invalid", "label", "stream", "field", "prompt"}
# Read in the shape `element.dataset.words-queued`, by their common beginning; and what htmx reads.
NOT_OURS = re.compile(r"^(words|hx)-")


def names(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


def hooks_of_templates() -> set[str]:
    text = "\n".join(path.read_text() for path in TEMPLATES)
    return {hook for hook in re.findall(r"\sdata-([a-z-]+)", text) if not NOT_OURS.match(hook)}


def hooks_of_scripts() -> set[str]:
    """Return what scripts read: `[data-x]`, `dataset.x`, `"x" in root.dataset`, `{ x } = root.dataset`."""
    text = "\n".join(path.read_text() for path in SCRIPTS)
    found = set(re.findall(r"\bdata-([a-z]+(?:-[a-z]+)*)", text))
    for name in re.findall(r"dataset\.([a-zA-Z]+)", text) + re.findall(
        r'"([a-zA-Z]+)" in [\w.]*dataset', text
    ):
        found.add(re.sub(r"([A-Z])", r"-\1", name).lower())
    for names_read in re.findall(r"\{ ([^{}]+) \} = [\w.]*dataset", text):
        found |= {
            re.sub(r"([A-Z])", r"-\1", name.split(":")[0].strip()).lower() for name in names_read.split(",")
        }
    # `find("outcome")` of the rail, `part(item, "text")` of the chat
    found |= {f"rail-{name}" for name in re.findall(r'find\("(\w+)"\)', text)}
    found |= {f"chat-{name}" for name in re.findall(r'part\(item, "(\w+)"\)', text)}
    return found


def test_every_hook_of_a_template_is_known_to_a_script() -> None:
    dynamic = {"idle", "done", "running", "failed"}  # the variants of the page's icon
    assert hooks_of_templates() - hooks_of_scripts() - FOR_STYLE - dynamic == set()


def test_every_hook_that_scripts_listen_to_is_used_by_a_template() -> None:
    """A hook counts as used when a template, or a script that builds elements, writes it."""
    listened = set()
    for path in SCRIPTS:
        listened |= set(re.findall(r'querySelector(?:All)?\("\[data-([a-z-]+)\]', path.read_text()))
    made = set(re.findall(r'"data-([a-z-]+)":', "\n".join(path.read_text() for path in SCRIPTS)))
    made |= set(
        re.findall(r'toggleAttribute\("data-([a-z-]+)"', "\n".join(path.read_text() for path in SCRIPTS))
    )
    made |= set(re.findall(r"dataset\.([a-z]+) = ", "\n".join(path.read_text() for path in SCRIPTS)))
    assert listened - hooks_of_templates() - made == set()


@pytest.mark.parametrize("path", [*TEMPLATES, *SITE], ids=names([*TEMPLATES, *SITE]))
def test_a_template_holds_no_inline_code(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"<style\b|\sstyle=|\son[a-z]+=|javascript:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", text)


@pytest.mark.parametrize("path", [*TEMPLATES, *SITE], ids=names([*TEMPLATES, *SITE]))
def test_a_template_has_short_lines(path: Path) -> None:
    assert [line for line in path.read_text().splitlines() if len(line) > LINE_LENGTH] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=names(TEMPLATES))
def test_a_page_extends_the_base_and_a_piece_says_that_it_is_one(path: Path) -> None:
    piece = path.name.startswith("_") or path.name == "base.html"
    assert piece or path.read_text().startswith("{% extends ")


def test_djade_would_change_nothing() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("djade"), "--check", "--target-version", "5.2", *TEMPLATES],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("path", SCRIPTS, ids=names(SCRIPTS))
def test_a_script_makes_no_html_from_text(path: Path) -> None:
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", path.read_text()
    )


def test_every_class_of_a_template_has_a_style() -> None:
    used: set[str] = set()
    for path in set(TEMPLATES) - set((ROOT / "templates" / "admin").rglob("*.html")):  # Django's own styles
        for value in re.findall(r'\sclass="([^"]*)"', path.read_text()):
            used |= set(re.sub(r"{[{%].*?[%}]}", " ", value).split())
    assert {name for name in used if f".{name}" not in CSS} == set()


def test_every_class_of_the_style_is_used() -> None:
    classes = set(re.findall(r"\.([a-z][\w-]*)", re.sub(r"/\*.*?\*/|url\([^)]*\)", "", CSS, flags=re.DOTALL)))
    folders = ("agentforge", "builds", "configs", "deployments")
    python = [path for folder in folders for path in (ROOT / folder).rglob("*.py")]
    text = "\n".join(path.read_text() for path in [*TEMPLATES, *SCRIPTS, *python])
    unused = {name for name in classes if name not in text and not name.startswith(MADE_UP)}
    assert unused == set()


def test_every_icon_that_is_used_is_drawn_and_no_other() -> None:
    text = "\n".join(path.read_text() for path in [*TEMPLATES, *SCRIPTS])
    used = set(re.findall(r"\bicon-([a-z]+)\b", text)) - {"only", "done", "failed"}
    used |= set(re.findall(r'\bicon\("([a-z]+)"', text))
    # Those of the pages that the search finds.
    used |= set(re.findall(r'"(?:configs|builds|deployments|accounts):\w+", "([a-z]+)"', SEARCH))
    drawn = re.findall(r'<g id="(\w+)"', (ROOT / "static" / "icons.svg").read_text())
    rules = re.findall(r"^(.*)--icon: (\d+);", CSS, re.MULTILINE)
    used |= {drawn[int(place)] for rule, place in rules if ".icon-" not in rule}
    assert used == set(drawn)
    for place, name in enumerate(drawn):
        assert f".icon-{name} {{ --icon: {place}; }}" in CSS


def test_every_rule_is_in_a_layer_and_the_layers_stand_in_their_order() -> None:
    [declared] = re.findall(r"^@layer ([^{]+);$", CSS, re.MULTILINE)
    blocks = re.findall(r"^([^\s}/].*?) {$", CSS, re.MULTILINE)
    assert blocks == [f"@layer {name}" for name in declared.split(", ")]

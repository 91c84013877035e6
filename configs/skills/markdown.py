"""Read a SKILL.md: YAML front matter with name and description, and instructions below it.

https://agentskills.io/specification
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from configs.documents.problems import DocumentError
from configs.documents.source import Source, load

from . import entries

_FRONT = re.compile(r"---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
# Many skills have a colon in a description without quotes around it, which is not YAML.
_UNQUOTED = re.compile(r"^(description|compatibility|license):[ \t]+([^\s'\"|>&*!\[{#].*)$", re.MULTILINE)
_LEFT_OUT = {
    "metadata": "metadata was left out: the agent has no use for it.",
    "allowed-tools": "allowed-tools was left out: Capabilities says which tools the agent has.",
}
_READ: dict[str, Callable[[Any], str]] = {
    "name": entries.clean_name,
    "description": entries.clean_description,
    "compatibility": lambda value: entries.clean_line("compatibility", value, entries.LONGEST_COMPATIBILITY),
    "license": lambda value: entries.clean_line("license", value, entries.LONGEST_LICENSE),
}


class SkillRefused(Exception):
    """A skill was not added; `problems` say why, with the file and the line."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__(" ".join(problems))
        self.problems = problems


def has_front_matter(text: str) -> bool:
    """Return whether a text begins as a SKILL.md does, which no YAML document is."""
    return _FRONT.match(_plain(text)) is not None


def _plain(text: str) -> str:
    return text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")


def parse(text: str, file: str = entries.MAIN_FILE) -> tuple[entries.Skill, list[str]]:
    """Return the skill of a SKILL.md, without further files, and a sentence for each thing left out.

    Raises SkillRefused.
    """
    text = _plain(text)
    front = _FRONT.match(text)
    if front is None:
        how = (
            "the front matter does not end: close it with a line ---."
            if text.startswith("---")
            else "begin with a line ---, then name: and description:, and another line ---."
        )
        raise SkillRefused([f"{file}, line 1: {how}"])
    source, notes = _source(front[1], file)
    skill, problems = _fields(source, file)
    skill["instructions"] = text[front.end() :].strip("\n")
    if not problems:
        try:
            skill = entries.clean_skill(skill)
        except ValidationError as error:
            line = text.count("\n", 0, front.end()) + 1
            problems = [f"{file}, line {line}: {error.messages[0]}"]
    if problems:
        raise SkillRefused(problems)
    return skill, [*notes, *_left_out(source.entries)]


def _source(front: str, file: str) -> tuple[Source, list[str]]:
    """Return the front matter, with the lines of the file, and a note if it had to be mended."""
    if not front.strip():
        raise SkillRefused([f"{file}, line 2: name and description are missing."])
    # The line before it makes its lines those of the file.
    try:
        return load(f"---\n{front}"), []
    except DocumentError as error:
        refused = error
    mended = _UNQUOTED.sub(
        lambda line: f"{line[1]}: {json.dumps(line[2].strip(), ensure_ascii=False)}", front
    )
    try:
        return load(f"---\n{mended}"), ["A text with a colon was taken as it is: put it in quotes."]
    except DocumentError:
        raise SkillRefused([f"{file}, {problem}" for problem in refused.problems]) from refused


def _fields(source: Source, file: str) -> tuple[entries.Skill, list[str]]:
    skill, problems = {}, []
    for name, clean in _READ.items():
        try:
            if name in ("name", "description") or name in source.entries:
                skill[name] = clean(source.entries.get(name))
        except ValidationError as error:
            problems.append(f"{file}, line {source.line(name) or 1}: {error.messages[0]}")
    return skill, problems


def _left_out(found: Mapping[str, Any]) -> Iterator[str]:
    yield from (note for name, note in _LEFT_OUT.items() if name in found)
    further = sorted(str(name)[:40] for name in found if name not in _LEFT_OUT and name not in _READ)
    if further:
        yield f"Left out, as no field of a skill: {', '.join(further[:10])}."

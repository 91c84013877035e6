"""The differences between an agent's draft and its revisions, field by field and in the prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import cache, reduce
from typing import Any

from django import forms

from agentforge.prepared_queries import Parameter, PreparedQuery

from .choices import Tab
from .documents.paths import DEFAULTS, OPTIONAL, PATHS
from .forms import TAB_FORMS
from .forms.words import words_of
from .models import AgentConfig, Revision
from .prompt.assembly import system_prompt
from .revisions import canonical_json, draft_json

# Where a content's values keep the files and the skills, which no form has.
_FILES, _SKILLS = "knowledge", "skills"


@dataclass(frozen=True)
class Changes:
    """A revision, and the fields of the draft that differ from it."""

    revision: Revision
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Content:
    """What an agent is at some time: a title, the values of its fields by name, and its system prompt.

    `document` is what is compiled, as canonical JSON; empty for a draft that can't be compiled yet.
    """

    title: str
    values: Mapping[str, Any]
    prompt: str
    document: str


@dataclass(frozen=True)
class Difference:
    """One field that differs, in words."""

    tab: str
    label: str
    before: str
    after: str


@dataclass(frozen=True)
class PromptRow:
    """One line of two prompts side by side; a side is None where the other has a line more."""

    before: str | None
    after: str | None

    @property
    def changed(self) -> bool:
        return self.before != self.after


def of_draft(agent: AgentConfig) -> Content:
    """Return what a draft is now."""
    try:
        document = draft_json(agent)
    except (KeyError, ValueError):
        document = ""
    values = {**agent.values_of(PATHS.values()), _FILES: [file for file in agent.knowledge if file["text"]]}
    values[_SKILLS] = agent.skills
    return Content("Draft", values, system_prompt(agent).text, document)


def of_revision(revision: Revision) -> Content:
    """Return what a revision froze."""
    document = json.loads(revision.canonical_json)
    values = {name: _at(document, path) for path, name in PATHS.items()}
    values[_FILES] = document.get("knowledge", {}).get("files", [])
    values[_SKILLS] = document.get("skills", [])
    return Content(f"Revision {revision.number}", values, document["system_prompt"], revision.canonical_json)


newest_revision: PreparedQuery[Revision] = PreparedQuery(
    lambda: Revision.objects.filter(agent_id=Parameter("agent")).order_by("-number")[:1]
)


def changes_since_revision(agent: AgentConfig, read: Sequence[Revision] | None = None) -> Changes | None:
    """Return the fields of a draft that differ from its newest revision; None before the first.

    `read` are the rows of `newest_revision`, where they were asked for already.
    """
    rows = newest_revision(agent=agent.pk) if read is None else read
    if not rows:
        return None
    newest = rows[0]
    found = differences(of_revision(newest), of_draft(agent))
    return Changes(newest, tuple(each.label.lower() for each in found))


def differences(before: Content, after: Content) -> list[Difference]:
    """Return the fields that differ, in the order of the tabs."""
    found = [
        Difference(tab, label, words_of(field, before.values[name]), words_of(field, after.values[name]))
        for tab, name, label, field in _fields()
        if _comparable(before.values[name]) != _comparable(after.values[name])
    ]
    files = (_digests(content.values[_FILES], "sha256") for content in (before, after))
    skills = (_digests(content.values[_SKILLS]) for content in (before, after))
    return [*found, *_changed("Files", *files), *_changed("Skills", *skills)]


def _digests(named: Sequence[Mapping[str, Any]], key: str = "") -> dict[str, str]:
    """Return what tells files or skills of the same name apart, by name: a value of theirs, or the whole."""
    return {
        each["name"]: each[key] if key else hashlib.sha256(canonical_json(each).encode()).hexdigest()
        for each in named
    }


def _changed(label: str, old: Mapping[str, str], new: Mapping[str, str]) -> list[Difference]:
    """Return what differs of files or skills as one difference; of the same name, what tells them apart."""
    if old == new:
        return []
    both = {name for name in old.keys() & new.keys() if old[name] != new[name]}
    sides = (
        _digest_words(old, both | (old.keys() - new.keys())),
        _digest_words(new, both | (new.keys() - old.keys())),
    )
    return [Difference(str(Tab.KNOWLEDGE.label), label, *sides)]


def _digest_words(files: Mapping[str, str], names: Iterable[str]) -> str:
    return ", ".join(f"{name} ({files[name][:8]})" for name in sorted(names)) or "none of the following"


def field_label(path: str) -> str:
    """Return what people call a field of a document, by its path ("limits.tool_rounds")."""
    name = PATHS.get(path, "")
    labels = {field: label for _, field, label, _ in _fields()}
    return labels.get(name) or path.rpartition(".")[2].replace("_", " ").capitalize()


def prompt_rows(before: Content, after: Content) -> list[PromptRow]:
    """Return two prompts line by line, side by side."""
    old, new = before.prompt.splitlines(), after.prompt.splitlines()
    rows: list[PromptRow] = []
    for _, old_start, old_end, new_start, new_end in SequenceMatcher(
        a=old, b=new, autojunk=False
    ).get_opcodes():
        left, right = old[old_start:old_end], new[new_start:new_end]
        for index in range(max(len(left), len(right))):
            rows.append(PromptRow(*(side[index] if index < len(side) else None for side in (left, right))))
    return rows


@cache
def _fields() -> tuple[tuple[str, str, str, forms.Field], ...]:
    """Return (tab, name, label, field) of each field of a document."""
    known = set(PATHS.values())
    empty = [form_class(instance=AgentConfig()) for form_class in TAB_FORMS.values()]
    return tuple(
        (str(form.tab.label), name, str(form[name].label), field)
        for form in empty
        for name, field in form.fields.items()
        if name in known
    )


def _at(content: Any, path: str) -> Any:
    # A section that is only there where it is chosen has its default values elsewhere.
    value = reduce(lambda inner, name: inner.get(name, {}), path.split("."), content)
    if path in OPTIONAL:
        return value or OPTIONAL[path]
    return DEFAULTS.get(path, "") if value == {} else value


def _comparable(value: Any) -> Any:
    if isinstance(value, list):
        return sorted(value)
    return value if value is None or isinstance(value, (str, bool, dict)) else float(value)

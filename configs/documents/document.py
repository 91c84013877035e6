"""Read an agent's configuration from a YAML or JSON file, through the forms of the wizard."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import ValidationError

from agentforge import found_servers
from configs.choices import Preset, Tab
from configs.forms import TAB_FORMS, KeysForm
from configs.forms.base import DraftForm, type_errors
from configs.forms.identity import HANDLE_LENGTH
from configs.forms.url import clean_base_url
from configs.knowledge.extraction.kinds import endings, kind_of
from configs.knowledge.names import MOST_FILES, clean_name
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.providers import PROVIDERS
from configs.revisions import SCHEMA
from configs.skills.entries import Skill, clean_skills

from .paths import FILES_PATH, KEY_PATHS, PATH_OF, PATHS, SECTIONS, SKILLS_PATH
from .problems import DocumentError, Problem
from .source import Source, load

_WITH_BASE_URL = " and ".join(code for code, provider in PROVIDERS.items() if provider.asks_base_url)
# What other forms than that of the keys look at.
_MODELS = ("provider", "model", "fallback_provider", "fallback_model")
_SHA256 = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True)
class Document:
    """A validated configuration: the draft's fields, and what it says of the provider's key.

    `key` is the name of a key in the owner's vault, `base_url` the URL of a compatible server; `files` are
    the agent's files, each by `name` and `sha256`.
    """

    values: dict[str, Any]
    base_url: str = ""
    needs_key: bool = True
    key: str = ""
    files: tuple[dict[str, str], ...] = ()

    def agent(self) -> AgentConfig:
        """Return the draft that this document describes, unsaved and without an owner."""
        return AgentConfig(**self.values)


def parse(text: str, *, unfinished: bool = False) -> Document:
    """Return the configuration of a YAML or JSON document; omitted fields get the wizard's defaults.

    Those of `personality` are the preset's.
    An `unfinished` document may omit the provider or its model, as a draft may.
    Raises DocumentError with every wrong or unknown field.
    """
    return validate(load(text), unfinished=unfinished)


def validate(source: Source, *, unfinished: bool = False) -> Document:
    """Return the configuration of a loaded document; see `parse`."""
    entries = source.entries
    problems = [Problem(path, _unknown_path(path)) for path in entries if not _is_known(path)]
    if entries.get("schema", SCHEMA) != SCHEMA:
        problems.append(Problem("schema", f"must be {SCHEMA}"))
    base_url, needs_key = _server(entries, problems)
    key = entries.get("provider.key", "")
    if not isinstance(key, str):
        problems.append(Problem("provider.key", "must be the name of a key"))
    if _names_absent_server(entries):
        found_servers.look()
    cleaned: dict[str, Any] = {}
    for form_class in TAB_FORMS.values():
        if not (unfinished and form_class.tab == Tab.KEYS and "provider.model" not in entries):
            cleaned |= _validate(form_class, entries, problems)
        elif str(entries.get("provider.code", "")) in PROVIDERS:
            cleaned["provider"] = entries["provider.code"]
        elif "provider.code" in entries:
            problems.append(Problem("provider.code", "is not one of the providers"))
    files = _files(entries, problems)
    cleaned["skills"] = _skills(entries, problems)
    if problems:
        raise DocumentError(_in_order(problems, source))
    return Document(cleaned, base_url, needs_key, key, files)


def _skills(entries: Mapping[str, Any], problems: list[Problem]) -> list[Skill]:
    try:
        return clean_skills(entries.get(SKILLS_PATH, []))
    except ValidationError as error:
        problems.extend(Problem(SKILLS_PATH, message) for message in error.messages)
        return []


def _files(entries: Mapping[str, Any], problems: list[Problem]) -> tuple[dict[str, str], ...]:
    given = entries.get(FILES_PATH, [])
    files = given if isinstance(given, list) else [given]
    if not all(_is_file(file) for file in files):
        problem = f"must be a list of files, each with name and sha256; a name ends in {endings()}"
        problems.append(Problem(FILES_PATH, problem))
    elif len(files) > MOST_FILES:
        problems.append(Problem(FILES_PATH, f"must have at most {MOST_FILES} files"))
    elif len({file["name"].casefold() for file in files}) < len(files):
        problems.append(Problem(FILES_PATH, "must not name a file twice"))
    return tuple(files)


def _is_file(file: object) -> bool:
    return (
        isinstance(file, dict)
        and file.keys() == {"name", "sha256"}
        and isinstance(file["name"], str)
        and bool(file["name"])
        and file["name"] == clean_name(file["name"])
        and kind_of(file["name"]) is not None
        and isinstance(file["sha256"], str)
        and bool(_SHA256.fullmatch(file["sha256"]))
    )


def _is_known(path: str) -> bool:
    return path in PATHS or path in KEY_PATHS or path in ("schema", FILES_PATH, SKILLS_PATH)


def _unknown_path(path: str) -> str:
    return "must contain fields" if path in SECTIONS else "unknown field"


def _in_order(problems: list[Problem], source: Source) -> list[Problem]:
    placed = [replace(problem, line=source.line(problem.path)) for problem in problems]
    return sorted(placed, key=lambda problem: (problem.line or 0, problem.path))


def _names_absent_server(entries: Mapping[str, Any]) -> bool:
    """Return whether a document names a model server of this machine that was not found yet."""
    codes = (str(entries.get(PATH_OF[name], "")) for name in ("provider", "fallback_provider"))
    return any(
        code in PROVIDERS and PROVIDERS[code].is_local and PROVIDERS[code].unavailable for code in codes
    )


def _server(entries: Mapping[str, Any], problems: list[Problem]) -> tuple[str, bool]:
    provider = PROVIDERS.get(str(entries.get("provider.code", "")))
    given, needs_key = entries.get("provider.base_url", ""), entries.get("provider.needs_key", True)
    if not isinstance(needs_key, bool):
        problems.append(Problem("provider.needs_key", "must be true or false"))
    if provider is None or not provider.asks_base_url:
        if given:
            problems.append(Problem("provider.base_url", f"is for {_WITH_BASE_URL} only"))
        return "", True
    try:
        return clean_base_url(given), bool(needs_key)
    except ValidationError as error:
        problems.extend(Problem("provider.base_url", message) for message in error.messages)
        return "", True


def _validate(
    form_class: type[DraftForm], entries: Mapping[str, Any], problems: list[Problem]
) -> dict[str, Any]:
    fields = [name for name in form_class.base_fields if name in PATH_OF]
    given = {name: entries[PATH_OF[name]] for name in fields if PATH_OF[name] in entries}
    wrong = type_errors(form_class, given)
    preset = PRESET_VALUES.get(str(entries.get("personality.preset")), PRESET_VALUES[Preset.BALANCED])
    chosen = {name: str(entries.get(PATH_OF[name], ""))[:HANDLE_LENGTH] for name in _MODELS}
    agent = AgentConfig(**chosen, **preset)
    defaults = {name: getattr(agent, name) for name in fields if name not in given}
    if form_class is KeysForm:
        defaults = {}
    form = form_class({**defaults, **given}, instance=agent)
    problems.extend(Problem(PATH_OF[name], message) for name, message in wrong.items())
    for name, messages in form.errors.items():
        if name not in wrong:
            problems.extend(Problem(PATH_OF.get(name, name), str(message)) for message in messages)
    return form.cleaned_data

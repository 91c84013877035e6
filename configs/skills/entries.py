"""Validate an agent's skills as agent.json has them: for the page, documents and scripts alike."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

from django.core.exceptions import ValidationError

from configs.documents.room import SKILLS

MOST_SKILLS = 20
# Of an agent.
MOST_FILES = 200
MOST_BYTES = 128 * 1024
LONGEST_NAME = 64
LONGEST_DESCRIPTION = 1024
LONGEST_COMPATIBILITY = 500
LONGEST_LICENSE = 200
LONGEST_PATH = 200
MAIN_FILE = "SKILL.md"
NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)
# A document indents each line.
_INDENT = 12
_SURROGATES = re.compile("[\ud800-\udfff\0]")
_LINE_END = re.compile("\r\n?")
# In the order of documents.
KEYS = ("name", "description", "compatibility", "license", "instructions", "files")

Skill = dict[str, Any]


def clean_skills(value: Any) -> list[Skill]:
    """Return skills as agent.json has them, by name.

    Raises ValidationError for what breaks the rules of agentskills.io or a limit.
    """
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        raise ValidationError("Give a list of skills, each with name, description and instructions.")
    skills = sorted(map(clean_skill, value), key=lambda skill: str(skill["name"]))
    names = [skill["name"] for skill in skills]
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise ValidationError(f"Two skills are called “{twice}”.")
    check_room(skills)
    return skills


def check_room(skills: list[Skill]) -> None:
    """Raise ValidationError if an agent can't hold all of these."""
    if len(skills) > MOST_SKILLS:
        raise ValidationError(f"An agent has at most {MOST_SKILLS} skills. Remove one.")
    if sum(len(skill.get("files", ())) for skill in skills) > MOST_FILES:
        raise ValidationError(f"An agent's skills have at most {MOST_FILES} files. Remove a skill.")
    if sum(map(size_of, skills)) > MOST_BYTES:
        raise ValidationError(
            f"An agent's skills have at most {MOST_BYTES // 1024} KB of text. Remove a skill or some of its "
            "files; long documents belong under Knowledge."
        )
    # Paths and escapes take room too.
    if too_much := SKILLS.overflow({"skills": skills}):
        raise ValidationError(
            f"What the agent's skills have {too_much}. Remove a skill or some of its files."
        )


def size_of(skill: Skill) -> int:
    """Return the bytes that a skill takes in a document, about."""
    texts = [skill["description"], skill["instructions"], *(file["text"] for file in skill.get("files", ()))]
    return sum(len(text.encode()) + _INDENT * text.count("\n") for text in texts)


def clean_skill(entry: Mapping[str, Any]) -> Skill:
    """Return one skill. Raises ValidationError."""
    if unknown := sorted(map(str, set(entry) - set(KEYS))):
        raise ValidationError(f"A skill has no “{unknown[0][:80]}”.")
    name = clean_name(entry.get("name"))
    skill: Skill = {"name": name, "description": clean_description(entry.get("description"))}
    instructions = _text(f"{name}: the instructions", entry.get("instructions", "")).strip("\n")
    if not instructions.strip():
        raise ValidationError(f"{name}: there are no instructions. Write below the front matter what to do.")
    skill["instructions"] = instructions
    for key, longest in (("compatibility", LONGEST_COMPATIBILITY), ("license", LONGEST_LICENSE)):
        if text := clean_line(key, entry.get(key, ""), longest):
            skill[key] = text
    if files := _files(name, entry.get("files", [])):
        skill["files"] = files
    return skill


def clean_name(value: Any) -> str:
    """Return a skill's name."""
    if value is not None and not isinstance(value, str):
        raise ValidationError("name must be text: put it in quotes.")
    if not value:
        raise ValidationError("name is missing: up to 64 lowercase letters, digits and hyphens.")
    if len(value) > LONGEST_NAME or not NAME.fullmatch(value):
        raise ValidationError(
            f"name “{value[:80]}” must be up to {LONGEST_NAME} lowercase letters, digits and single hyphens, "
            "such as pdf-forms."
        )
    return value


def clean_description(value: Any) -> str:
    """Return what a skill is for, on one line."""
    if not (text := clean_line("description", value, LONGEST_DESCRIPTION)):
        raise ValidationError("description is missing: say what the skill does and when to use it.")
    return text


def clean_line(name: str, value: Any, longest: int) -> str:
    """Return a text on one line, without what nobody sees but models read."""
    if value is not None and not isinstance(value, str):
        raise ValidationError(f"{name} must be text: put it in quotes.")
    visible = "".join(each if each.isprintable() else " " if each.isspace() else "" for each in value or "")
    text = " ".join(visible.split())
    if len(text) > longest:
        raise ValidationError(f"{name} has {len(text):,} characters; at most {longest:,} are allowed.")
    return text


def clean_path(value: Any) -> str:
    """Return the path of a file in its skill's folder. Raises ValidationError for one that leads outside."""
    path = value if isinstance(value, str) else ""
    parts = path.split("/")
    if (
        not 0 < len(path) <= LONGEST_PATH
        or not path.isprintable()
        or re.search(r'[\\:*?"<>|]', path)
        or any(part in ("", ".", "..") or part != part.strip() for part in parts)
    ):
        raise ValidationError(f"{str(value)[:80]!a} is not a path such as references/guide.md.")
    return path


def _files(skill: str, value: Any) -> list[dict[str, str]]:
    if not isinstance(value, list) or not all(
        isinstance(file, Mapping) and set(file) == {"path", "text"} for file in value
    ):
        raise ValidationError(f"{skill}: files are a list, each with path and text.")
    files = {}
    for file in value:
        path = clean_path(file["path"])
        if path.casefold() in files or path.casefold() == MAIN_FILE.casefold():
            raise ValidationError(f"{skill}: two files are called “{path}”.")
        files[path.casefold()] = {"path": path, "text": _text(f"{skill}: {path}", file["text"])}
    folders = {str(folder) for path in files for folder in PurePosixPath(path).parents}
    if both := sorted(folders & files.keys()):
        raise ValidationError(f"{skill}: “{both[0]}” is both a file and a folder.")
    return sorted(files.values(), key=lambda file: file["path"])


def _text(what: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ValidationError(f"{what} must be text.")
    if found := _SURROGATES.search(value):
        line = value.count("\n", 0, found.start()) + 1
        raise ValidationError(f"{what}: line {line} has a character that can't be stored.")
    return _LINE_END.sub("\n", value)

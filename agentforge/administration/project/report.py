"""What a Supabase project is asked, line by line: right, wrong, or not to be seen from here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    RIGHT = "right"
    WRONG = "wrong"
    UNSEEN = "unseen"


@dataclass(frozen=True)
class Line:
    """One thing that the forge needs of a project, how it is there, and what to click or run."""

    topic: str
    verdict: Verdict
    message: str
    remedy: str = ""


# Given the forge's own address, `https://forge.example.com`.
Section = Callable[[str], Iterator[Line]]
_sections: dict[str, Section] = {}


def register(name: str) -> Callable[[Section], Section]:
    """Register a section of the report: auth, database, storage."""

    def add(section: Section) -> Section:
        _sections[name] = section
        return section

    return add


def examine(forge_url: str) -> Iterator[Line]:
    """Ask the project everything; a section that breaks is a line of its own."""
    for name, section in _sections.items():
        try:
            yield from section(forge_url)
        except Exception as error:  # the other sections are still asked
            yield unseen(name, f"{type(error).__name__}: {error}", "See the log of the command.")


def right(topic: str, message: str) -> Line:
    return Line(topic, Verdict.RIGHT, message)


def wrong(topic: str, message: str, remedy: str) -> Line:
    return Line(topic, Verdict.WRONG, message, remedy)


def unseen(topic: str, message: str, remedy: str) -> Line:
    return Line(topic, Verdict.UNSEEN, message, remedy)

"""What an entry of the catalogue of tools is: a tool, its functions, and its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from configs.choices import Tool

May = Literal["reads", "writes", "reaches"]
MAY_WORDS: dict[May, str] = {
    "reads": "reads what it kept or was given",
    "writes": "writes what stays",
    "reaches": "reaches other machines",
}


def _always(values: Mapping[str, Any]) -> bool:
    return True


@dataclass(frozen=True)
class Setting:
    """One setting of a tool. `clean` returns its value for agent.json; a false one is left out.

    `required` says what is missing without it, where the other settings make `is_required` true.
    """

    name: str
    label: str
    help_text: str
    kind: Literal["lines", "text", "flag", "choice", "services"]
    clean: Callable[[Any], Any]
    required: str = ""
    is_required: Callable[[Mapping[str, Any]], bool] = _always
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Function:
    """What the model calls: its name, and what a call may do."""

    name: str
    label: str
    may: tuple[May, ...] = ()

    @property
    def asks(self) -> bool:
        """Return whether it asks a person unless the owner says otherwise."""
        return "writes" in self.may


@dataclass(frozen=True)
class ToolEntry:
    tool: Tool
    summary: str
    functions: tuple[Function, ...]
    settings: tuple[Setting, ...] = ()

    @property
    def may(self) -> list[May]:
        """Return what its functions may do, each once."""
        return [word for word in MAY_WORDS if any(word in function.may for function in self.functions)]

    @property
    def may_words(self) -> str:
        """Return what the tool may do, in words."""
        words = [MAY_WORDS[word] for word in self.may]
        return ", ".join(words) if words else "only works out its answer"

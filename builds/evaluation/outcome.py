"""What an agent did with one question: what assertions are checked against."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class ToolCall:
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Verdict:
    """What a judge says of an answer, and what its saying so used; with an `error`, it says nothing."""

    passed: bool = False
    reason: str = ""
    error: str = ""
    tokens: int = 0
    # None where the price is not known.
    dollars: float | None = None


@dataclass(frozen=True)
class Outcome:
    """The last answer of a trial; `seconds`, `tokens` and `calls` are of all its answers."""

    text: str = ""
    calls: tuple[ToolCall, ...] = ()
    finish: str = "stop"
    seconds: float = 0.0
    tokens: int = 0
    # What the answers cost together; None where a price is not known.
    dollars: float | None = None
    # The sources that the last answer names and that exist.
    cited: tuple[str, ...] = ()
    # By rubric; only of an answer that came.
    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    # Why there is no answer; empty if there is one.
    error: str = ""

    @property
    def tools(self) -> list[str]:
        """The names of the tools, in the order in which they were called."""
        return [call.name for call in self.calls]

"""Diagnostics: what cannot be converted, where, and what to write by hand."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    ERROR = "error"  # not converted
    WARNING = "warning"  # converted, but may behave differently
    INFO = "info"  # converted; worth knowing


@dataclass(frozen=True, order=True)
class Problem:
    """One diagnostic. `line` and `column` count from 1; `line` 0 means the whole file."""

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    by_hand: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def report_lines(self) -> list[str]:
        """Return the diagnostic and what to do about it, for a terminal."""
        label = "by hand" if self.severity == Severity.ERROR else "hint"
        return [str(self), f"    {label}: {self.by_hand}"] if self.by_hand else [str(self)]

    def __str__(self) -> str:
        position = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{position}: {self.severity}: {self.message} [{self.code}]"


def has_errors(problems: Iterable[Problem]) -> bool:
    return any(problem.severity == Severity.ERROR for problem in problems)


class ConversionError(Exception):
    """Raised when nothing can be converted; the message says why and what to do."""

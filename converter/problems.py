"""What is wrong with a file, where, and what to write by hand."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    ERROR = "error"  # not converted
    WARNING = "warning"  # converted, and may behave differently
    INFO = "info"  # converted, and worth knowing


@dataclass(frozen=True, order=True)
class Problem:
    """One diagnostic; `line` and `column` count from 1, `line` 0 is the file as a whole."""

    file: str
    line: int
    column: int
    severity: Severity
    code: str
    message: str
    by_hand: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.severity}: {self.message} [{self.code}]"


class ConversionError(Exception):
    """Nothing can be converted at all; the message says why and what to do."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from agentforge.telemetry.log_formats import ContextFilter, JsonFormatter

Lines = Callable[..., list[dict[str, Any]]]


class _Collector(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.addFilter(ContextFilter())
        self.setFormatter(JsonFormatter())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture
def log_lines() -> Iterator[Lines]:
    """Return a function that returns the JSON lines logged so far, of one logger and with some fields."""
    collector = _Collector()

    def matching(logger: str = "", **fields: object) -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in collector.lines]
        return [
            line
            for line in lines
            if line["logger"].startswith(logger)
            and all(line.get(name) == value for name, value in fields.items())
        ]

    logging.getLogger().addHandler(collector)
    yield matching
    logging.getLogger().removeHandler(collector)

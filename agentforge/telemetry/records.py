"""What a record of the log looks like in JSON. Standard library only: the launcher has no Django."""

from __future__ import annotations

import json


def is_record(line: str) -> bool:
    """Return whether a line is a record already."""
    if not line.startswith("{"):
        return False
    try:
        return "message" in json.loads(line)
    except (ValueError, RecursionError):
        return False

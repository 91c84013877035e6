"""Read JSON as editors keep it: with comments, and with commas where JSON has none."""

from __future__ import annotations

import json
import re
from typing import Any

# Each part matches wherever it begins, to the end of the text if need be, so no part is read twice: a search
# for an end that is not there would take hours for a large file of beginnings.
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)'
_COMMENT = r"//[^\n]*|/\*[^*]*(?:\*(?!/)[^*]*)*(?:\*/|\Z)"
_COMMENTS = re.compile(f"{_STRING}|{_COMMENT}", re.DOTALL)
_COMMAS = re.compile(rf"{_STRING}|,(?=\s*[}}\]])", re.DOTALL)
_VISIBLE = re.compile(r"[^\n]")


def is_editor_json(text: str) -> bool:
    """Return whether a text looks like an object, maybe after comments."""
    return text.lstrip("\ufeff \t\r\n").startswith(("{", "//", "/*"))


def plain_json(text: str) -> str:
    """Return JSON with spaces in place of comments and of commas before the end of a list or object."""
    bare = _COMMENTS.sub(_blank, text.removeprefix("\ufeff"))
    return _COMMAS.sub(_blank, bare)


def load_editor_json(text: str) -> Any:
    """Return the value of such a text. Raises ValueError or RecursionError for anything else."""
    return json.loads(plain_json(text))


def _blank(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else _VISIBLE.sub(" ", match[0])

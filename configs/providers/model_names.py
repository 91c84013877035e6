"""Read the names of models from a provider's list of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_LENGTH = 200
# Google's names begin with the kind of thing that they name.
_KIND = "models/"


def model_names(body: Any, keep: Mapping[str, Any] | None = None) -> set[str] | None:
    """Return the names in a list of models, None if it is no such list; `keep` as in ModelList.

    The list is `data`, as OpenAI has it, `models`, or the whole body; a name is an `id` or a `name`.
    """
    if isinstance(body, dict):
        body = body.get("data", body.get("models"))
    if not isinstance(body, list):
        return None
    entries = [entry for entry in body if isinstance(entry, dict) and _is_kept(entry, keep or {})]
    names = [entry.get("id", entry.get("name")) for entry in entries]
    usable = [name.removeprefix(_KIND) for name in names if isinstance(name, str)]
    return {name for name in usable if 0 < len(name) <= MAX_LENGTH and name.isprintable()}


def _is_kept(entry: Mapping[str, Any], keep: Mapping[str, Any]) -> bool:
    """Return whether a model has the values of `keep`, or does not say."""
    return all(_fits(_value(entry, path), wanted) for path, wanted in keep.items())


def _value(entry: Any, path: str) -> Any:
    for name in path.split("."):
        entry = entry.get(name) if isinstance(entry, dict) else None
    return entry


def _fits(value: Any, wanted: Any) -> bool:
    return value is None or value == wanted or (isinstance(value, list) and wanted in value)

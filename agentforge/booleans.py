"""Booleans among the settings. Standard library only: it is used before anything is installed."""

from __future__ import annotations

_TRUE = frozenset(("1", "true", "yes", "on", "y", "t", "ok"))
_FALSE = frozenset(("0", "false", "no", "off", "n", "f"))


class NotBoolean(ValueError):
    """A variable is neither true nor false; the message names it."""


def parse(name: str, text: str, *, default: bool) -> bool:
    """Return the value of a variable, or `default` if it is empty; raises NotBoolean for anything else.

    `DEBUG=app:*`, meant for another program, must not silently turn a forge into production.
    """
    word = text.strip().lower()
    if not word:
        return default
    if word not in _TRUE | _FALSE:
        raise NotBoolean(f"{name} is {text!r}, which is neither true nor false. Set {name}=1 or {name}=0.")
    return word in _TRUE

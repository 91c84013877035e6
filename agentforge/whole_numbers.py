from __future__ import annotations

# Fits into PostgreSQL's bigint.
_MOST_DIGITS = 18


def whole_number(text: str) -> int | None:
    """Return the number that a text of 1 to 18 ASCII digits spells; None for any other text.

    `int` accepts digits of any script, and refuses long texts with an error of its own.
    """
    is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
    return int(text) if is_number else None

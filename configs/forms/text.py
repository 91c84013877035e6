"""Text fields that accept any text, except characters that nobody types."""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

# Unicode line breaks other than "\n": harmless in prose, but not in a single-line name.
_OTHER_BREAKS = frozenset("\x85\u2028\u2029")
_LINE_END = re.compile(r"\r\n?")


class TextField(forms.CharField):
    """Text exactly as typed, except that line ends become "\\n".

    Refuses NUL and other control characters, and lone surrogates, which no encoding can represent. All other
    Unicode characters are allowed, including marks of writing direction and invisible ones.
    """

    def __init__(self, *, lines: bool = False, min_visible: int = 0, **kwargs: Any) -> None:
        self._lines = lines
        self._min_visible = min_visible
        if lines:
            kwargs.setdefault("widget", forms.Textarea)
        super().__init__(**kwargs)

    def to_python(self, value: Any) -> str:
        text = _LINE_END.sub("\n", "" if value is None else str(value))
        if self.strip:
            text = text.strip()
        # Before the other validators: some encode the text, which a lone surrogate (from JSON) breaks.
        refuse_unprintable(text, lines=self._lines)
        return super().to_python(text) or ""

    def validate(self, value: Any) -> None:
        super().validate(value)
        if value and visible_length(value) < self._min_visible:
            raise ValidationError(
                f"Enter at least {self._min_visible} characters that can be seen.", code="min_visible"
            )


def refuse_unprintable(text: str, *, lines: bool) -> None:
    """Raise ValidationError for the first character that is not allowed, with its position."""
    for position, character in enumerate(text, start=1):
        if lines and character in "\n\t":
            continue
        if character in _OTHER_BREAKS and lines:
            continue
        category = unicodedata.category(character)
        if category in ("Cc", "Cs") or character in _OTHER_BREAKS:
            raise ValidationError(
                f"Character {position} is {_named(character)}, which can't be used here: remove it.",
                code="unprintable",
            )


def visible_length(text: str) -> int:
    """Return the number of visible characters."""
    return sum(unicodedata.category(character) not in ("Cf", "Zs", "Cc", "Cn") for character in text)


def _named(character: str) -> str:
    if character == "\0":
        return "NUL (U+0000)"
    if character in "\n\u2028\u2029\x85":
        return "a line break"
    kind = "half of a surrogate pair" if unicodedata.category(character) == "Cs" else "a control character"
    return f"{kind} (U+{ord(character):04X})"

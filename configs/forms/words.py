"""The values of form fields as words for people."""

from __future__ import annotations

from typing import Any

from django import forms

from .tool_fields import MappingField


def words_of(field: forms.Field, value: Any) -> str:
    """Return a field's value as its form shows it."""
    if isinstance(value, bool):
        return "On" if value else "Off"
    if isinstance(field, MappingField):
        return field.words(value) or "Empty"
    choices: Any = getattr(field, "choices", None) or getattr(field.widget, "choices", None) or ()
    labels = {str(code): str(label) for code, label in choices}
    parts = value if isinstance(value, list) else [value]
    return ", ".join(labels.get(str(part), str(part)) for part in parts if part not in ("", None)) or "Empty"

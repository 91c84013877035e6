"""The form field of a JSON Schema."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from configs import answer_schema

from .text import TextField


class SchemaField(TextField):
    """A JSON Schema as text, or empty; scripts and documents may send it as an object."""

    # What a document may hold, beside what its JSON Schema says.
    takes: ClassVar = (str, dict)
    wanted: ClassVar = "must be a JSON Schema, as an object or as text"
    json_schema: ClassVar = {"type": ["string", "object"]}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(lines=True, max_length=answer_schema.MOST_CHARACTERS, required=False, **kwargs)

    def to_python(self, value: Any) -> str:
        if isinstance(value, dict):
            value = _text(value)
        text = super().to_python(value)
        if not text.strip():
            return ""
        try:
            schema = answer_schema.parse(text)
        except answer_schema.InvalidSchema as error:
            raise ValidationError(str(error)) from error
        # What was escaped in JSON stands there as itself now.
        return super().to_python(answer_schema.written(schema))

    def widget_attrs(self, widget: forms.Widget) -> dict[str, Any]:
        return {**super().widget_attrs(widget), "class": "code-input", "spellcheck": "false"}


def _text(schema: dict[str, Any]) -> str:
    try:
        return answer_schema.written(schema)
    except (TypeError, ValueError) as error:
        raise ValidationError("The schema holds a value that JSON doesn't have.") from error

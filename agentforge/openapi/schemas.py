"""JSON Schemas: helpers for responses, and conversions of Django forms for bodies and queries."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from django import forms
from django.core.validators import RegexValidator

Schema = Mapping[str, Any]

STRING: Schema = {"type": "string"}
INTEGER: Schema = {"type": "integer"}
NUMBER: Schema = {"type": "number"}
BOOLEAN: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
ANYTHING: Schema = {}


def nullable(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def array(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def one_of(values: Iterable[str]) -> Schema:
    return {"type": "string", "enum": list(values)}


def mapping(values: Schema) -> Schema:
    return {"type": "object", "additionalProperties": values}


def record(properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of an object with exactly these properties."""
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def form_schema(form: type[forms.BaseForm], required: Sequence[str] | None = None) -> Schema:
    """Return the schema of a form's data as a JSON object."""
    fields = _fields(form)
    needed = [name for name, field in fields.items() if field.required] if required is None else required
    schema: dict[str, Any] = {
        "title": form.__name__.removesuffix("Form"),
        "type": "object",
        "properties": {name: field_schema(field) for name, field in fields.items()},
    }
    if needed:
        schema["required"] = list(needed)
    return schema


def form_values(form: type[forms.BaseForm]) -> dict[str, Schema]:
    """Return the schemas of a form's values without limits: a draft may hold values that the form refuses."""
    kept = ("type", "items", "additionalProperties")
    schemas = {name: field_schema(field) for name, field in _fields(form).items()}
    return {name: {key: schema[key] for key in kept if key in schema} for name, schema in schemas.items()}


def field_schema(field: forms.Field) -> Schema:
    """Return the schema of the JSON value that a form field accepts."""
    schema = {**_typed(field)}
    if field.label:
        schema["title"] = str(field.label)
    if field.help_text:
        schema["description"] = str(field.help_text)
    if isinstance(field.widget, forms.PasswordInput):
        schema |= {"format": "password", "writeOnly": True}
    return schema


def _fields(form: type[forms.BaseForm]) -> dict[str, forms.Field]:
    """Return a form's fields, except files: JSON holds none."""
    fields: dict[str, forms.Field] = form.base_fields  # type: ignore[attr-defined] # the metaclass adds it
    return {name: field for name, field in fields.items() if not isinstance(field, forms.FileField)}


def _typed(field: forms.Field) -> Schema:
    if isinstance(field, forms.BooleanField):
        return BOOLEAN
    if isinstance(field, forms.MultipleChoiceField):
        few = {"minItems": 1} if field.required else {}
        return {**array(_one_of_known(_codes(field))), **few}
    if isinstance(field, forms.ChoiceField):
        codes = _codes(field)
        return _one_of_known(codes if field.required or "" in codes else ["", *codes])
    # Django's DecimalField is an IntegerField too.
    if isinstance(field, forms.IntegerField):
        limits = {"minimum": field.min_value, "maximum": field.max_value}
        kind = NUMBER if isinstance(field, forms.DecimalField | forms.FloatField) else INTEGER
        kind = {"type": [kind["type"], "null"]} if getattr(field, "takes_null", False) else kind
        # JSON has no decimals.
        known = {name: value for name, value in limits.items() if value is not None}
        return {**kind, **{n: float(v) if isinstance(v, Decimal) else v for n, v in known.items()}}
    if isinstance(field, forms.UUIDField):
        return {**STRING, "format": "uuid"}
    # A field of a kind of its own says itself what its JSON is.
    return getattr(field, "json_schema", None) or _text(field)


def _one_of_known(codes: list[str]) -> Schema:
    """Return a choice; one whose choices only a request knows takes any text here, and not none."""
    return one_of(codes) if any(codes) else STRING


def _codes(field: forms.ChoiceField) -> list[str]:
    choices: Any = field.choices
    return [str(code) for code, _ in choices]


def _text(field: forms.Field) -> Schema:
    schema = dict(STRING)
    if isinstance(field, forms.CharField):
        shortest = max(field.min_length or 0, int(field.required))
        schema |= {"minLength": shortest} if shortest else {}
        schema |= {"maxLength": field.max_length} if field.max_length else {}
    if isinstance(field, forms.EmailField):
        schema["format"] = "email"
    for validator in field.validators:
        if isinstance(validator, RegexValidator) and type(validator) is RegexValidator:
            schema["pattern"] = _pattern(validator.regex, optional=not field.required)
    return schema


def _pattern(regex: re.Pattern[str] | Any, *, optional: bool) -> str:
    """Return a pattern in ECMAScript syntax, as JSON Schema requires."""
    inner = regex.pattern.removeprefix(r"\A").removeprefix("^").removesuffix(r"\Z").removesuffix("$")
    return f"^(?:{inner})?$" if optional else f"^(?:{inner})$"

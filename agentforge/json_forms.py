"""Forms that take JSON as well: a list, an object or a boolean is no text, and no number.

HTML sends text alone, so Django's fields make text of whatever they get: `["x"]` became "['x']".
"""

from __future__ import annotations

from typing import Any

from django import forms

from .negotiation import JsonObject

# What a field takes, the narrower kind first.
_WANTED: dict[type[forms.Field], str] = {
    forms.BooleanField: "must be true or false",
    forms.DecimalField: "must be a number",
    forms.IntegerField: "must be a whole number",
    forms.MultipleChoiceField: "must be a list of words",
    forms.ModelMultipleChoiceField: "must be a list of words",
    forms.TypedChoiceField: "must be one of the choices",
}


class JsonFields(forms.BaseForm):
    """Refuses values of a JSON object that are of another kind than their field, each by its name."""

    def _clean_fields(self) -> None:
        given = self.data
        wrong = self._wrong_kinds() if isinstance(given, JsonObject) else {}
        self.data = (
            JsonObject((key, value) for key, value in given.items() if key not in wrong) if wrong else given
        )
        super()._clean_fields()  # type: ignore[misc] # Django's own hook, which its stubs leave out
        self.data = given
        for name, message in wrong.items():
            self.errors[name] = self.error_class([message])
            self.cleaned_data.pop(name, None)

    def _wrong_kinds(self) -> dict[str, str]:
        problems = {
            name: type_error(field, self.data.get(name), as_html=True) for name, field in self.fields.items()
        }
        return {name: problem for name, problem in problems.items() if problem}


class JsonForm(JsonFields, forms.Form):
    """A form at a URL to which scripts send JSON."""


def type_error(field: forms.Field, value: Any, *, as_html: bool = False) -> str:
    """Return how a JSON value has another type than its field takes; empty if it fits.

    `as_html` lets text and numbers be each other, as HTML sends them: the field itself judges them then.
    """
    if value is None and getattr(field, "takes_null", False):
        return ""
    fits = _judges_itself(field, value) if as_html else False
    return "" if fits or _fits(field, value) else _wanted(field)


def _judges_itself(field: forms.Field, value: Any) -> bool:
    if isinstance(field, (forms.JSONField, forms.FileField)) or hasattr(field, "takes"):
        return True
    if isinstance(field, (forms.MultipleChoiceField, forms.ModelMultipleChoiceField)):
        return not isinstance(value, (dict, bool))
    return not isinstance(value, (list, dict, bool))


def _fits(field: forms.Field, value: Any) -> bool:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(field, forms.BooleanField):
        return isinstance(value, bool)
    # Django's DecimalField is an IntegerField too.
    if isinstance(field, forms.DecimalField):
        return is_number
    if isinstance(field, forms.IntegerField):
        return is_number and isinstance(value, int)
    if isinstance(field, forms.MultipleChoiceField):
        return isinstance(value, list) and all(isinstance(entry, str) for entry in value)
    return isinstance(value, getattr(field, "takes", str))


def _wanted(field: forms.Field) -> str:
    if wanted := getattr(field, "wanted", ""):
        return str(wanted)
    for kind, words in _WANTED.items():
        if isinstance(field, kind):
            return words
    return "must be text"

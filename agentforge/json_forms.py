"""Forms that take JSON as well: a list, an object or a boolean is no text, and no number.

HTML sends text alone, so Django's fields make text of whatever they get: `["x"]` became "['x']".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

from .negotiation import JsonObject

if TYPE_CHECKING:
    _Base = forms.BaseForm
else:
    _Base = object


class JsonFields(_Base):
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
        problems = {name: _problem(field, self.data.get(name)) for name, field in self.fields.items()}
        return {name: problem for name, problem in problems.items() if problem}


class JsonForm(JsonFields, forms.Form):
    """A form at a URL to which scripts send JSON."""


def _problem(field: forms.Field, value: Any) -> str:
    """Return how a value has the wrong kind; empty if it fits, or is a number or text that may fit."""
    if isinstance(field, (forms.JSONField, forms.FileField)) or hasattr(field, "takes"):
        # They say themselves what they take.
        return ""
    if isinstance(field, (forms.MultipleChoiceField, forms.ModelMultipleChoiceField)):
        return "must be a list of words" if isinstance(value, (dict, bool)) else ""
    if isinstance(field, forms.BooleanField):
        return "must be true or false" if isinstance(value, (list, dict)) else ""
    if not isinstance(value, (list, dict, bool)):
        return ""
    if isinstance(field, forms.TypedChoiceField):
        return "must be one of the choices"
    if isinstance(field, forms.DecimalField):
        return "must be a number"
    return "must be a whole number" if isinstance(field, forms.IntegerField) else "must be text"

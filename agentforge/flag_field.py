from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

# What browsers send for a checkbox, and what scripts and links write.
_VALUES = {"": False, "false": False, "0": False, "off": False, "true": True, "1": True, "on": True}


class _Checkbox(forms.CheckboxInput):
    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        """Return what was sent: Django's makes yes of every word."""
        return data.get(name)


class FlagField(forms.BooleanField):
    """A yes or no that takes no other word for yes, as Django's field would."""

    widget = _Checkbox

    def to_python(self, value: Any) -> bool:
        if value is None or isinstance(value, bool):
            return bool(value)
        if not isinstance(value, str) or value.lower() not in _VALUES:
            raise ValidationError("Send true or false.", code="invalid")
        return _VALUES[value.lower()]

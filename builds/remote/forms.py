"""The form to choose a builder."""

from __future__ import annotations

from django import forms

from agentforge.json_forms import JsonForm

from . import builders


def _choices() -> list[tuple[str, str]]:
    return [(builders.LOCAL, "This machine"), *((name, name) for name in builders.configured())]


class BuilderForm(JsonForm):
    builder = forms.ChoiceField(label="Builder", choices=_choices)

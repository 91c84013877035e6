"""The form with which a person chooses who builds."""

from __future__ import annotations

from django import forms

from . import builders


def _choices() -> list[tuple[str, str]]:
    return [(builders.LOCAL, "This machine"), *((name, name) for name in builders.configured())]


class BuilderForm(forms.Form):
    """Take who should build: this machine or one of the remote builders."""

    builder = forms.ChoiceField(label="Builder", choices=_choices)

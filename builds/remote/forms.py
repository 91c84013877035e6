from __future__ import annotations

from typing import Any

from django import forms

from . import builders


class BuilderForm(forms.Form):
    """Take who should build: this machine or one of the remote builders."""

    builder = forms.ChoiceField(label="Builder")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["builder"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - tells the type checker
        remote = [(name, name) for name in builders.configured()]
        field.choices = [(builders.LOCAL, "This machine"), *remote]

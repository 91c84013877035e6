from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from agentforge.pagination import PageForm

from .text import TextField


class SearchForm(PageForm):
    q = TextField(
        label="Search agents",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Search agents"}),
    )


class DeleteForm(forms.Form):
    """Requires the agent's handle to be typed, because deletion can't be undone."""

    handle = TextField(widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}))

    def __init__(self, data: Any = None, *, handle: str) -> None:
        self._handle = handle
        super().__init__(data)
        self.fields["handle"].label = f"Type {handle} to delete it"

    def clean_handle(self) -> str:
        typed: str = self.cleaned_data["handle"]
        if typed != self._handle:
            raise ValidationError(f"This is not {self._handle}. Nothing was deleted.")
        return typed

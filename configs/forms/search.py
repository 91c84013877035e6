from __future__ import annotations

from django import forms

from .text import TextField


class SearchForm(forms.Form):
    q = TextField(
        label="Search",
        max_length=100,
        required=False,
        widget=forms.TextInput(
            attrs={"type": "search", "placeholder": "Agents, builds, keys, pages", "autocomplete": "off"}
        ),
    )

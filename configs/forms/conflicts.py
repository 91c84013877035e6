from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django import forms

YOURS, SAVED = "yours", "saved"


class SidesForm(forms.Form):
    """Take both sides of a conflict back from the page that showed them."""

    yours = forms.JSONField(widget=forms.HiddenInput)
    base = forms.JSONField(widget=forms.HiddenInput, help_text="What was saved when the sides were shown.")

    def sides(self, names: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Return both sides, whole; None where something of them is missing."""
        if not self.is_valid():
            return None
        yours, saved = self.cleaned_data["yours"], self.cleaned_data["base"]
        if not isinstance(yours, dict) or not isinstance(saved, dict):
            return None
        wanted = list(names)
        if not all(name in side for side in (yours, saved) for name in wanted):
            return None
        return {name: yours[name] for name in wanted}, {name: saved[name] for name in wanted}


class ChoiceForm(forms.Form):
    """Choose a side for each field that differs; `guesses` are the sides that are marked beforehand."""

    def __init__(self, data: Any = None, *, guesses: Mapping[str, str | None]) -> None:
        super().__init__(data)
        for name, guess in guesses.items():
            self.fields[f"choose_{name}"] = forms.ChoiceField(
                choices=[(YOURS, "Yours"), (SAVED, "Saved")],
                initial=guess,
                error_messages={"required": "Choose one of the two."},
            )

    def chosen(self, name: str) -> str:
        """Return the side that is chosen for a field, or marked; "" for none."""
        field = self[f"choose_{name}"]
        return str((field.data if self.is_bound else field.initial) or "")

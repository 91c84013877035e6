from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

DRAFT = "draft"


class ComparisonForm(forms.Form):
    """What a revision is compared with: the draft, or another revision by its number."""

    def __init__(self, data: Any = None, *, numbers: Sequence[int] = ()) -> None:
        super().__init__(data)
        revisions = ((str(number), f"Revision {number}") for number in sorted(numbers, reverse=True))
        self.fields["against"] = forms.ChoiceField(
            required=False, label="Compare with", choices=[(DRAFT, "The draft"), *revisions]
        )

    @property
    def chosen(self) -> int | None:
        """Return the number of the chosen revision; None for the draft."""
        value = self.cleaned_data.get("against", "") if self.is_valid() else ""
        return int(value) if value not in ("", DRAFT) else None

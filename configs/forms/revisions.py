from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from agentforge.json_forms import JsonForm
from configs.models import Revision

from .text import TextField

DRAFT = "draft"


class RevisionNameForm(JsonForm):
    name = TextField(required=False, label="Name", max_length=Revision.NAME_LENGTH, strip=True)


class ComparisonForm(forms.Form):
    """What a revision is compared with: the draft, or another revision by its number, of those in `names`."""

    def __init__(self, data: Any = None, *, names: Mapping[int, str] | None = None) -> None:
        super().__init__(data)
        others = sorted((names or {}).items(), reverse=True)
        revisions = (
            (str(number), f"Revision {number}: {name}" if name else f"Revision {number}")
            for number, name in others
        )
        self.fields["against"] = forms.ChoiceField(
            required=False, label="Compare with", choices=[(DRAFT, "The draft"), *revisions]
        )

    @property
    def chosen(self) -> int | None:
        """Return the number of the chosen revision; None for the draft."""
        value = self.cleaned_data.get("against", "") if self.is_valid() else ""
        return int(value) if value not in ("", DRAFT) else None

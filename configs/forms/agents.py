from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models

from agentforge.json_forms import JsonForm
from agentforge.pagination import PageForm
from configs.providers import PROVIDERS

from .text import TextField


class StateGroup(models.TextChoices):
    """What a list of agents can be narrowed to."""

    WORKING = "working", "At work"
    ATTENTION = "attention", "Needs attention"
    CHANGED = "changed", "Changed since its build"
    DEPLOYED = "deployed", "Deployed"
    BUILT = "built", "Built"
    DRAFT = "draft", "Draft"


class Shown(models.TextChoices):
    """Whether a list shows archived agents."""

    CURRENT = "", "Not archived"
    ARCHIVED = "archived", "Archived"
    ALL = "all", "All"


SORTS = {
    "-changed": "Changed last",
    "changed": "Changed first",
    "name": "Name, from A",
    "-name": "Name, from Z",
    "state": "Status, work first",
    "-state": "Status, drafts first",
    "-build": "Built last",
    "build": "Built first",
    "provider": "Provider, from A",
    "-provider": "Provider, from Z",
}
NO_PROVIDER = "none"


def _providers() -> list[tuple[str, str]]:
    chosen = [(provider.code, provider.label) for provider in PROVIDERS.values()]
    return [("", "Any provider"), *chosen, (NO_PROVIDER, "No provider")]


class AgentListForm(PageForm):
    """What a list of agents shows, and in which order."""

    q = TextField(
        label="Search agents",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "placeholder": "Name, handle or description"}),
    )
    state = forms.ChoiceField(label="State", required=False, choices=[("", "Any state"), *StateGroup.choices])
    provider = forms.ChoiceField(label="Provider", required=False, choices=_providers)
    shown = forms.ChoiceField(label="Archived", required=False, choices=Shown.choices)
    sort = forms.ChoiceField(label="Sorted by", required=False, choices=list(SORTS.items()))


class DeleteForm(JsonForm):
    """Requires the agent's handle to be typed, because deleting it out of the trash can't be undone."""

    handle = TextField(widget=forms.TextInput(attrs={"autocomplete": "off", "autofocus": True}))

    def __init__(self, data: Any = None, *, handle: str) -> None:
        self._handle = handle
        super().__init__(data)
        self.fields["handle"].label = f"Type {handle} to delete it now"
        self.fields["handle"].error_messages["required"] = f"Type {handle} to confirm. Nothing was deleted."

    def clean_handle(self) -> str:
        typed: str = self.cleaned_data["handle"]
        if typed != self._handle:
            raise ValidationError(f"This is not {self._handle}. Nothing was deleted.")
        return typed

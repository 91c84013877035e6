"""The filter of a list by one of its owner's agents."""

from __future__ import annotations

from typing import cast

from django import forms

from agentforge.accounts.models import User
from agentforge.pagination import PageForm
from configs.models import AgentConfig

_LARGEST = 2**63 - 1


class AgentFilterForm(PageForm):
    """Narrows a list to one agent; lists add their own fields."""

    agent = forms.IntegerField(
        label="Agent", required=False, min_value=1, max_value=_LARGEST, widget=forms.Select
    )

    def offer_agents(self, owner: User) -> None:
        """Offer the agents of a person by name."""
        names = AgentConfig.objects.owned_by(owner).order_by("name", "pk").values_list("pk", "name")
        cast(forms.Select, self.fields["agent"].widget).choices = [("", "Any agent"), *names]

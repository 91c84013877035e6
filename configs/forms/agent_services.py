"""The form for another agent, which is asked over A2A."""

from __future__ import annotations

from typing import Any

from django import forms

from configs.tools import services
from configs.tools.agent_validation import MOST_SECONDS, USUAL_SECONDS, card_url, clean_seconds

from .services import PLAIN, ChoiceFields, ServiceForm
from .text import TextField


class AgentForm(ServiceForm):
    """Another agent: where its card is, how it gets its key, and how long it has to answer."""

    tool = services.AGENT
    sent = ("name", "url", "auth", "auth_name", "seconds")
    view = "configs:agent_test"
    title = "Add another agent"
    note = "One that speaks A2A. An agent that offers itself over MCP is added as an MCP server."
    button = "Read its card"

    seconds = TextField(
        label="Seconds to answer",
        required=False,
        max_length=3,
        help_text=f"1 to {MOST_SECONDS}. Empty: {USUAL_SECONDS}. The agent's own limit counts too.",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "numeric"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["url"].help_text = "https://agent.example.org, or the address of its card."
        self.fields["url"].error_messages["required"] = "Give the agent's address."

    def clean_url(self) -> str:
        return card_url(super().clean_url())

    def clean_seconds(self) -> str:
        return str(clean_seconds({"seconds": self.cleaned_data["seconds"]}).get("seconds", ""))

    @property
    def entry(self) -> dict[str, Any]:
        """Return a valid form's agent as agent.json names it, without its card."""
        return {**super().entry, **clean_seconds({"seconds": self.cleaned_data["seconds"]})}


class AgentChoiceForm(ChoiceFields, AgentForm):
    """The card that is chosen of an agent that was tested."""

    tool = services.AGENT
    pinned = "skills", list

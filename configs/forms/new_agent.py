from __future__ import annotations

from typing import Any

from django import forms

from configs.agent_templates import agent_templates

from .identity import IdentityForm


def _template_choices() -> list[tuple[str, str]]:
    return [(slug, template.name) for slug, template in agent_templates().items()]


class NewAgentForm(IdentityForm):
    """The identity of a new agent, and the template that it starts from."""

    template = forms.ChoiceField(
        required=False,
        choices=_template_choices,
        widget=forms.HiddenInput,
        help_text="A template to start from; its values are used for the fields that are omitted.",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs["autofocus"] = True
        self.fields["version"].required = False
        self.fields["type"].required = False
        self.fields["description"].label = "What should it do?"
        self.fields["description"].help_text = "One sentence is enough. The agent and its users see it."

    def clean_version(self) -> str:
        """Return the version, by default the one that every new agent begins with."""
        return str(self.cleaned_data["version"] or self.instance.version)

    def clean_type(self) -> str:
        """Return the type, by default the one that every new agent begins with."""
        return str(self.cleaned_data["type"] or self.instance.type)

    @property
    def unfolded(self) -> bool:
        """Return whether one of the fields that the page folds away has an error."""
        return any(name in self.errors for name in ("handle", "version", "type"))

from __future__ import annotations

from typing import Any

from django import forms

from configs.choices import Tab
from configs.models import AgentConfig
from configs.providers import PROVIDERS

from .base import DraftForm
from .text import TextField


def offered_providers() -> list[tuple[str, str]]:
    """Return the codes and labels of the providers that this installation offers."""
    return [(provider.code, provider.label) for provider in PROVIDERS.values() if not provider.unavailable]


class KeysForm(DraftForm):
    """Choose the primary provider and its model, from the provider's own list where that is known."""

    tab = Tab.KEYS

    provider = forms.ChoiceField(
        label="Primary provider",
        choices=offered_providers,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the provider that the agent talks to."},
    )
    model = TextField(max_length=200, error_messages={"required": "Choose a model."})

    class Meta:
        model = AgentConfig
        fields = ("provider", "model")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.models = list(self.offers.get(self.chosen_provider, ()))
        if self.models:
            self.fields["model"].widget = forms.Select(choices=self._model_choices())
            self.fields["model"].help_text = "As the provider lists them."
        else:
            self.fields[
                "model"
            ].help_text = "The provider's list is not known yet: type the model's exact name."

    @property
    def chosen_provider(self) -> str:
        """Return the code of the provider that this form is about to save or shows."""
        code = self.data.get("provider") if self.is_bound else self["provider"].initial
        return code if isinstance(code, str) else ""

    def _model_choices(self) -> list[tuple[str, str]]:
        held = self.data.get("model") if self.is_bound else self.instance.model
        gone = (
            [(held, f"{held} (not offered)")]
            if isinstance(held, str) and held and held not in self.models
            else []
        )
        return [("", "Choose a model"), *gone, *((name, name) for name in self.models)]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        model, provider = cleaned.get("model"), cleaned.get("provider")
        if model and provider and self.models and model not in self.models:
            label = PROVIDERS[provider].label
            self.add_error("model", f"{label} does not offer this model. Choose one of its list.")
        return cleaned

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from agentforge.whole_numbers import whole_number
from configs.choices import Tab
from configs.models import AgentConfig, ApiKey
from configs.providers import PROVIDERS
from configs.providers.local import LOCAL

from .base import Cards, DraftForm
from .text import TextField


def offered_providers() -> list[tuple[str, str]]:
    """Return the codes and labels of the providers that this installation offers."""
    return [(provider.code, provider.label) for provider in PROVIDERS.values() if not provider.unavailable]


class KeyField(forms.IntegerField):
    """The number of a key; None stands for the oldest one."""

    takes_null = True


class OffersForm(forms.Form):
    """The provider and the key whose models are asked for."""

    provider = forms.ChoiceField(choices=offered_providers, required=False)
    api_key = KeyField(required=False, min_value=1, max_value=2**63 - 1)


class KeysForm(DraftForm):
    """The primary provider, one of its keys, and a model, from the provider's list if known."""

    tab = Tab.KEYS
    is_one_choice = True

    provider = forms.ChoiceField(
        label="Primary provider",
        choices=offered_providers,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose the provider that the agent uses."},
    )
    api_key = KeyField(required=False, min_value=1, max_value=2**63 - 1, label="Key")
    model = TextField(max_length=200, error_messages={"required": "Choose a model."})

    class Meta:
        model = AgentConfig
        fields = ("provider", "api_key", "model")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What there is to say depends on the models that answer now.
        cards = Cards(self._sentences())
        cards.choices = [choice for choice in offered_providers() if self._answers(choice[0])]
        self.fields["provider"].widget = cards
        self.keys = self.offers.of(self.chosen_provider)
        self.fields["api_key"].widget = self._key_widget()
        self.models = self.offers.models(self.chosen_provider, self.chosen_key)
        if self.models:
            self.fields["model"].widget = forms.Select(choices=self._model_choices())
            self.fields["model"].help_text = "As the provider lists them."
        else:
            self.fields[
                "model"
            ].help_text = "The provider's list is not known yet: type the model's exact name."

    @property
    def chosen_provider(self) -> str:
        """Return the code of the provider that this form shows or saves."""
        code = self.data.get("provider") if self.is_bound else self["provider"].initial
        return code if isinstance(code, str) else ""

    @property
    def chosen_key(self) -> int | None:
        """Return the number of the key that this form shows or saves."""
        value = self.data.get("api_key") if self.is_bound else self["api_key"].initial
        return whole_number(str(value))

    def _answers(self, code: str) -> bool:
        """Return whether to offer a provider; a server that went away only where it is chosen."""
        gone = code in self.offers.local and not self.offers.local[code] and code != LOCAL.code
        return not gone or code in (self.instance.provider, self.chosen_provider)

    def _sentences(self) -> dict[str, str]:
        return {
            provider.code: provider.sentence(self.offers.models(provider.code, None))
            for provider in PROVIDERS.values()
        }

    def _key_widget(self) -> forms.Widget:
        if len(self.keys) < 2:
            return forms.HiddenInput()
        labels = {key.pk: f"{key.name} …{key.last_four}" if key.last_four else key.name for key in self.keys}
        oldest = ("", f"The oldest: {labels[self.keys[0].pk]}")
        return forms.Select(choices=[oldest, *labels.items()])

    def _model_choices(self) -> list[tuple[str, str]]:
        current = self.data.get("model") if self.is_bound else self.instance.model
        gone = (
            [(current, f"{current} (not offered)")]
            if isinstance(current, str) and current and current not in self.models
            else []
        )
        return [("", "Choose a model"), *gone, *((name, name) for name in self.models)]

    def clean_api_key(self) -> ApiKey | None:
        number: int | None = self.cleaned_data["api_key"]
        if number is None:
            return None
        key = next((key for key in self.keys if key.pk == number), None)
        # A form that changes only the provider may still contain the former provider's key.
        if key is None and number != self.instance.api_key_id:
            raise ValidationError("This is not one of your keys for this provider. Choose one of them.")
        return key

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        model, provider = cleaned.get("model"), cleaned.get("provider")
        if model and provider and self.models and model not in self.models:
            label = PROVIDERS[provider].label
            self.add_error("model", f"{label} does not offer this model. Choose one from its list.")
        return cleaned

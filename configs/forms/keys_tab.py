from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from agentforge.json_forms import JsonForm
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


def _fallbacks() -> list[tuple[str, str]]:
    return [("", "None"), *offered_providers()]


class KeyField(forms.IntegerField):
    """The number of a key; None stands for the oldest one."""

    takes_null = True


class OffersForm(JsonForm):
    """The provider and the key whose models are asked for."""

    provider = forms.ChoiceField(choices=offered_providers, required=False)
    api_key = KeyField(required=False, min_value=1, max_value=2**63 - 1)
    fallback_provider = forms.ChoiceField(choices=offered_providers, required=False)


class KeysForm(DraftForm):
    """The primary provider, one of its keys, and a model; the fallback's provider and model.

    A model is one of its provider's list if that is known.
    """

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
    fallback_provider = forms.ChoiceField(
        label="Fallback",
        required=False,
        choices=_fallbacks,
        help_text="Answers when the primary provider fails or limits requests, and the chat says so.",
    )
    fallback_model = TextField(label="Model of the fallback", max_length=200, required=False)

    class Meta:
        model = AgentConfig
        fields = ("provider", "api_key", "model", "fallback_provider", "fallback_model")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What there is to say depends on the models that answer now.
        cards = Cards(self._sentences())
        cards.choices = [choice for choice in offered_providers() if self._answers(choice[0])]
        self.fields["provider"].widget = cards
        self.keys = self.offers.of(self.chosen_provider)
        self.fields["api_key"].widget = self._key_widget()
        self.models = self.offers.models(self.chosen_provider, self.chosen_key)
        self._offer("model", self.models)
        self.fallback_models = self.offers.models(self.chosen_fallback, self.chosen_key)
        if self.chosen_fallback:
            self._offer("fallback_model", self.fallback_models)
        else:
            self.fields["fallback_model"].widget = forms.HiddenInput()

    def _offer(self, name: str, models: Sequence[str]) -> None:
        """Let a model be chosen from its provider's list, or typed if that is not known."""
        field = self.fields[name]
        if models:
            field.widget = forms.Select(choices=self._model_choices(name, models))
            field.help_text = "As the provider lists them."
        else:
            field.help_text = "The provider's list is not known yet: type the model's exact name."

    @property
    def chosen_provider(self) -> str:
        """Return the code of the provider that this form shows or saves."""
        return self._shown("provider")

    @property
    def chosen_fallback(self) -> str:
        """Return the code of the fallback's provider that this form shows or saves; empty for none."""
        return self._shown("fallback_provider")

    def _shown(self, name: str) -> str:
        value = self.data.get(name) if self.is_bound else self[name].initial
        return value if isinstance(value, str) else ""

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

    def _model_choices(self, name: str, models: Sequence[str]) -> list[tuple[str, str]]:
        current = self.data.get(name) if self.is_bound else getattr(self.instance, name)
        gone = (
            [(current, f"{current} (not offered)")]
            if isinstance(current, str) and current and current not in models
            else []
        )
        return [("", "Choose a model"), *gone, *((model, model) for model in models)]

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
        self._check_model(cleaned, "provider", "model", self.models)
        if not cleaned.get("fallback_provider"):
            cleaned["fallback_model"] = ""
            return cleaned
        self._check_model(cleaned, "fallback_provider", "fallback_model", self.fallback_models)
        if not cleaned.get("fallback_model") and "fallback_model" not in self.errors:
            self.add_error("fallback_model", "Choose the model that answers in place of the first one.")
        chosen = [(cleaned.get(f"{part}provider"), cleaned.get(f"{part}model")) for part in ("", "fallback_")]
        if chosen[0] == chosen[1] and all(chosen[0]):
            self.add_error("fallback_model", "This is the model that it would replace. Choose another one.")
        return cleaned

    def _check_model(self, cleaned: dict[str, Any], provider: str, model: str, models: Sequence[str]) -> None:
        if cleaned.get(model) and cleaned.get(provider) and models and cleaned[model] not in models:
            label = PROVIDERS[cleaned[provider]].label
            self.add_error(model, f"{label} does not offer this model. Choose one from its list.")

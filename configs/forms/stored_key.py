from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from agentforge.flag_field import FlagField
from agentforge.json_forms import JsonForm
from configs.models import DEFAULT_KEY_NAME, ApiKey
from configs.providers import Outcome, Provider

from .text import TextField
from .url import clean_base_url

MAX_KEY_LENGTH = 500
TAKEN = "Another key of yours for this provider has this name. Choose another name."


class KeyName(TextField):
    """The name that distinguishes a user's keys for one provider."""

    def __init__(self) -> None:
        length = ApiKey._meta.get_field("name").max_length
        messages = {"required": "Give it a name."}
        super().__init__(label="Name", max_length=length, min_visible=1, error_messages=messages)


class KeyForm(JsonForm):
    """A new key for a provider; saved keys are never shown."""

    key = TextField(
        label="New key",
        max_length=MAX_KEY_LENGTH,
        error_messages={"required": "Paste the key."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )
    base_url = TextField(
        label="Base URL",
        error_messages={"required": "Enter the URL of the server."},
        widget=forms.URLInput(attrs={"spellcheck": "false"}),
    )
    anyway = FlagField(required=False, label="Send it to this provider anyway")

    def __init__(
        self, data: Any = None, *, provider: Provider, base_url: str = "", page_id: str = ""
    ) -> None:
        self.provider = provider
        # Unique ids, because a page contains many of these forms; field names stay the same for scripts.
        super().__init__(data, auto_id=f"id_{page_id or provider.code}_%s", initial={"base_url": base_url})
        self.fields["key"].required = provider.needs_key
        self.fields["key"].help_text = provider.key_hint
        self.fields["base_url"].widget.attrs["placeholder"] = provider.base_url_hint
        if not provider.asks_base_url:
            del self.fields["base_url"]
        if not (self.is_bound and provider.hint(str(self.data.get("key", "")).strip())):
            self.fields["anyway"].widget = forms.HiddenInput()

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if not key.isascii() or any(character.isspace() for character in key):
            raise ValidationError(
                "A key is one word of plain characters: copy it again, without anything around it."
            )
        if reason := self.provider.refusal(key):
            raise ValidationError(reason)
        return key

    def clean_base_url(self) -> str:
        return clean_base_url(self.cleaned_data["base_url"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        hint = self.provider.hint(cleaned.get("key", ""))
        if hint and not cleaned.get("anyway"):
            self.add_error(
                "key", f"{hint} It was not sent. Enter it again and tick the box below to send it anyway."
            )
        return cleaned

    @property
    def key_name(self) -> str:
        """Return the name for the key from a valid form; empty if the key already has one."""
        return str(self.cleaned_data.get("name", ""))

    def add_refusal(self, outcome: Outcome) -> None:
        """Report that the provider did not accept the key."""
        self.add_error("key", f"{outcome.detail} It was not saved.")


class NewKeyForm(KeyForm):
    """A further key for a provider, under a name that is not in `taken`."""

    name = KeyName()
    field_order = ("name", "base_url", "key")

    def __init__(self, data: Any = None, *, provider: Provider, taken: Collection[str]) -> None:
        self._taken = taken
        super().__init__(data, provider=provider, page_id=f"{provider.code}_new")
        self.initial["name"] = "" if DEFAULT_KEY_NAME in taken else DEFAULT_KEY_NAME

    def clean_name(self) -> str:
        return free_name(self.cleaned_data["name"], self._taken)


class RenameForm(JsonForm):
    name = KeyName()

    def __init__(self, data: Any = None, *, key: ApiKey, taken: Collection[str]) -> None:
        self._taken = taken
        super().__init__(data, auto_id=f"id_key_{key.pk}_%s", initial={"name": key.name})

    def clean_name(self) -> str:
        return free_name(self.cleaned_data["name"], self._taken)


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name. Raises ValidationError if another key has it."""
    if name in taken:
        raise ValidationError(TAKEN)
    return name

"""The form that tests the web search of an agent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from configs.keys.service_keys import service_key
from configs.models import AgentConfig, ApiKey
from configs.tools.search_providers import LONGEST_QUERY
from configs.tools.services import WEB_SEARCH, Service, services_of

from .services import PLAIN, is_sent_safely
from .stored_key import MAX_KEY_LENGTH
from .text import TextField

# Its inputs stand in the card of the tool, inside the form of the tab.
FORM_ID = "web-search-test"
# Saving the tab swaps its form, and must not empty them.
_IN_ITS_PLACE = {"form": FORM_ID, "data-hx-preserve": "true"}


class WebSearchForm(forms.Form):
    """A query for the search service that an agent's saved settings name, and a new key for it."""

    key = TextField(
        label="New key",
        required=False,
        max_length=MAX_KEY_LENGTH,
        widget=forms.PasswordInput(
            attrs={"autocomplete": "new-password", "spellcheck": "false", **_IN_ITS_PLACE}
        ),
    )
    query = TextField(
        label="Try a search",
        max_length=LONGEST_QUERY,
        help_text="The forge asks the service with the settings above. A key that works is stored.",
        widget=forms.TextInput(attrs={**PLAIN, **_IN_ITS_PLACE}),
        error_messages={"required": "Enter what to search for."},
    )

    def __init__(self, data: Any = None, *, agent: AgentConfig) -> None:
        super().__init__(data, auto_id="id_web_search_%s")
        self.settings: dict[str, Any] = agent.tool_settings.get(WEB_SEARCH, {})
        self.service: Service | None = next(iter(services_of({WEB_SEARCH: self.settings})), None)
        self.stored: ApiKey | None = None
        if self.service and self.service.auth:
            self.stored = service_key(agent.owner_id, self.service.url)
        self.fields["key"].help_text = self._key_words()

    def _key_words(self) -> str:
        if self.service and not self.service.auth:
            return "This service takes no key."
        if self.service and self.stored:
            return f"A key is stored for {self.service.url}. Leave this empty to use it."
        if self.service:
            return f"For {self.service.url} only. Kept in the vault once a search works with it."
        return "Choose a search service, and save Capabilities, first: a key is for one address."

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if not key.isascii() or any(ord(character) < 33 for character in key):
            raise ValidationError(
                "A key is one word of plain characters: copy it again, without anything around it."
            )
        if key and self.service and not self.service.auth:
            raise ValidationError("This service takes no key.")
        if key and self.service and not is_sent_safely(self.service.url):
            raise ValidationError("A key is sent over https only. Use the service's https address.")
        return key

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.service is None:
            self.add_error("query", "Choose a search service, and save Capabilities, first.")
        elif self.service.auth and not self.stored and not cleaned.get("key") and "key" not in self.errors:
            self.add_error("key", "Paste the key of the service.")
        return cleaned

"""Forms for services outside the agent: their address and key, and what is chosen of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError

from agentforge import outbound
from configs.tools import service_validation, services
from configs.tools.services import Auth

from .stored_key import MAX_KEY_LENGTH
from .text import TextField

PLAIN = {"spellcheck": "false", "autocomplete": "off"}
_KINDS = {
    "": "No key",
    "bearer": "Bearer: Authorization: Bearer …",
    "header": "A header of its own",
    "query": "A part of the query",
    "basic": "User name and password",
}


class Words(forms.MultipleChoiceField):
    """Any words, such as the names of tools that only the server knows."""

    def valid_value(self, value: Any) -> bool:
        return isinstance(value, str)


class NamedForm(forms.Form):
    """A service by its name; `sent` are the fields that the form that chooses sends again."""

    tool: ClassVar[str]
    sent: ClassVar[tuple[str, ...]]
    # How the page offers it: where it goes, and in what words.
    view: ClassVar[str]
    title: ClassVar[str]
    note: ClassVar[str] = ""
    button: ClassVar[str]

    name = TextField(
        label="Name",
        max_length=24,
        help_text="Lowercase letters, digits and _: part of the names of its tools.",
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": "Give it a name, such as “tickets”."},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        # The page has a form for each tool.
        super().__init__(*args, **{"auto_id": f"id_{self.tool}_%s", **kwargs})

    def clean_name(self) -> str:
        return service_validation.clean_name(self.cleaned_data["name"])

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Return the names and values of the fields of a valid form that are sent again."""
        return [(name, self.cleaned_data[name]) for name in self.sent]


class ServiceForm(NamedForm):
    """A service to test: where it is, and how it gets its key."""

    tool = services.MCP
    sent: ClassVar[tuple[str, ...]] = ("name", "url", "auth", "auth_name")  # all but the key
    view = "configs:service_test"
    title = "Add an MCP server"
    button = "Test and list its tools"

    url = TextField(
        label="Address",
        help_text="https://tools.example.org/mcp",
        widget=forms.TextInput(attrs={**PLAIN, "inputmode": "url"}),
        error_messages={"required": "Give the server's address."},
    )
    auth = forms.ChoiceField(label="Key", required=False)
    auth_name = TextField(
        label="Name of the header",
        required=False,
        max_length=60,
        help_text="If the key is in a header of its own: X-API-Key, for example.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    key = TextField(
        label="New key",
        required=False,
        max_length=MAX_KEY_LENGTH,
        help_text="Kept in the vault, for this address only. Empty: the one that is stored.",
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        kinds = ("", *services.AUTH_KINDS[self.tool])
        choices = [(kind, _KINDS[kind]) for kind in kinds]
        self.fields["auth"] = forms.ChoiceField(label="Key", required=False, choices=choices)

    def clean_url(self) -> str:
        return service_validation.clean_url(self.cleaned_data["url"])

    def clean_key(self) -> str:
        key: str = self.cleaned_data["key"]
        if not key.isascii() or any(ord(character) < 33 for character in key):
            raise ValidationError(
                "A key is one word of plain characters: copy it again, without anything around it."
            )
        return key

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if kind := cleaned.get("auth"):
            try:
                service_validation.clean_auth(self.tool, {"kind": kind, "name": cleaned.get("auth_name", "")})
            except ValidationError as error:
                self.add_error("auth_name", error)
        elif cleaned.get("key") and self.tool != services.API:
            self.add_error("auth", "Say how the key is sent.")
        try:
            self.check_sending(str(cleaned.get("url", "")))
        except ValidationError as error:
            self.add_error("url", error)
        return cleaned

    def check_sending(self, url: str) -> None:
        """Raise ValidationError if somebody on the way could read the key."""
        if self.cleaned_data.get("key") and not is_sent_safely(url):
            raise ValidationError("A key is sent over https only. Use the service's https address.")

    @property
    def sending(self) -> Auth | None:
        """Return how a valid form's key is sent."""
        kind = self.cleaned_data["auth"]
        name = self.cleaned_data["auth_name"] if kind in ("header", "query") else ""
        return Auth(kind, name) if kind else None

    @property
    def entry(self) -> dict[str, Any]:
        """Return a valid form's service as agent.json names it, without what is chosen of it."""
        entry = {"name": self.cleaned_data["name"], "url": self.cleaned_data["url"]}
        if sending := self.sending:
            entry["auth"] = {"kind": sending.kind, **({"name": sending.name} if sending.name else {})}
        return entry


def is_sent_safely(url: str) -> bool:
    """Return whether nobody on the way can read what is sent: TLS, or a host that the operator allowed."""
    if not url or url.lower().startswith("https:"):
        return True
    parsed = outbound.checked_url(url)
    return outbound.is_allowed(parsed.host, parsed.port or 80)


class ChoiceFields(forms.Form):
    """What is chosen of a service that was tested: `offered` is what the test found."""

    tool: ClassVar[str]
    # A field that each part has, and its type.
    pinned: ClassVar[tuple[str, type]] = ("schema", dict)

    protocol = TextField(required=False, max_length=10, widget=forms.HiddenInput)
    offered = TextField(widget=forms.HiddenInput, max_length=2_000_000)
    chosen = Words(required=False, widget=forms.CheckboxSelectMultiple)
    reads = Words(required=False, widget=forms.CheckboxSelectMultiple)

    def clean_offered(self) -> list[dict[str, Any]]:
        try:
            offered = json.loads(self.cleaned_data["offered"])
        except (ValueError, RecursionError) as error:
            raise ValidationError("Test the server again.") from error
        if not isinstance(offered, list) or not all(map(self._is_part, offered)):
            raise ValidationError("Test the server again.")
        return offered

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        chosen = cleaned.get("chosen")
        if not chosen:
            self.add_error("chosen", "Choose at least one tool.")
        elif unknown := sorted(set(chosen) - {part["name"] for part in cleaned.get("offered", ())}):
            self.add_error("chosen", f"“{unknown[0][:80]}” is not among what was found. Test it again.")
        return cleaned

    def with_chosen(self, entry: Mapping[str, Any]) -> dict[str, Any]:
        """Return a service as agent.json names it, with what is chosen of it."""
        chosen, reads = set(self.cleaned_data["chosen"]), set(self.cleaned_data["reads"])
        parts = [
            {**part, **({"reads": True} if part["name"] in reads else {})}
            for part in self.cleaned_data["offered"]
            if part["name"] in chosen
        ]
        protocol = self.cleaned_data["protocol"]
        return {**entry, services.PARTS[self.tool]: parts, **({"protocol": protocol} if protocol else {})}

    def _is_part(self, value: Any) -> bool:
        name, kind = self.pinned
        return (
            isinstance(value, dict)
            and isinstance(value.get("name"), str)
            and isinstance(value.get(name), kind)
        )


class ServiceChoiceForm(ChoiceFields, ServiceForm):
    """What is chosen of a server."""

    tool = services.MCP


class APIChoiceForm(ServiceChoiceForm):
    """What is chosen of an API whose document was read."""

    tool = services.API


class ServiceNameForm(forms.Form):
    """One of an agent's services."""

    tool = forms.ChoiceField(choices=[(tool, tool) for tool in services.SETTING])
    name = TextField(max_length=24)

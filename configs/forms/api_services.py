"""The form for an HTTP API: its OpenAPI document, its address and its key."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from configs.tools import service_validation, services
from configs.tools.openapi.document import MAX_BYTES

from .services import ServiceForm
from .text import TextField


class APIForm(ServiceForm):
    """An API: `text` is the document of a valid form that does not say where it is."""

    tool = services.API
    view = "configs:api_test"
    title = "Add an API by its OpenAPI document"
    button = "Read and list its operations"
    field_order = ("name", "address", "file", "document", "url", "auth", "auth_name", "key")

    address = TextField(
        label="Address of the OpenAPI document",
        required=False,
        help_text="https://api.example.org/openapi.json",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off", "inputmode": "url"}),
    )
    file = forms.FileField(
        required=False,
        label="Or the document as a file",
        widget=forms.FileInput(attrs={"accept": ".json,.yaml,.yml"}),
    )
    document = forms.CharField(
        required=False,
        strip=False,
        label="Or paste it",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["url"].required = False
        self.fields["url"].label = "Address of the API"
        self.fields["url"].help_text = "Empty: the first server that the document names."
        self.fields["auth_name"].label = "Name of the header, or of the part of the query"
        self.fields["auth_name"].help_text = "X-API-Key, for example."

    def clean_address(self) -> str:
        address: str = self.cleaned_data["address"]
        return service_validation.clean_url(address) if address else ""

    def clean_url(self) -> str:
        url: str = self.cleaned_data["url"]
        return service_validation.clean_url(url).rstrip("/") if url else ""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        file = cleaned.get("file")
        self.text: str = cleaned.get("document") or ""
        if file and (file.size or 0) > MAX_BYTES:
            raise ValidationError({"file": f"The file is longer than {MAX_BYTES // 1024 // 1024} MB."})
        if file:
            try:
                self.text = file.read().decode("utf-8-sig")
            except UnicodeDecodeError as error:
                raise ValidationError({"file": "This is not a text file in UTF-8."}) from error
        if not self.errors and bool(cleaned.get("address")) == bool(self.text.strip()):
            raise ValidationError({"address": "Give the document's address, or the document."})
        return cleaned

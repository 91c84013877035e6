from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile, UploadedFile

from agentforge.json_forms import JsonForm
from configs.knowledge.extraction.kinds import KINDS

# Of one request; a page sends one file in each.
MOST_AT_ONCE = 20


class FilesInput(forms.FileInput):
    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Any number of files; cleaned to their list."""

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile[bytes]]:
        files = data if isinstance(data, (list, tuple)) else [data]
        return [super(FilesField, self).clean(file, initial) for file in files if file]


class AddFilesForm(JsonForm):
    """Files to add to an agent's knowledge; a script may send the `name` and the `text` of one instead."""

    added = FilesField(
        required=False,
        label="Add files",
        allow_empty_file=True,
        widget=FilesInput(attrs={"accept": ",".join(f".{ending}" for ending in KINDS)}),
    )
    name = forms.CharField(required=False, max_length=200, help_text="Of the file, with its ending.")
    text = forms.CharField(required=False, strip=False, help_text="What the file holds.")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        if not cleaned["added"] and cleaned["name"]:
            cleaned["added"] = [SimpleUploadedFile(cleaned["name"], cleaned["text"].encode())]
        if not cleaned["added"]:
            raise ValidationError({"added": "Choose at least one file."})
        if len(cleaned["added"]) > MOST_AT_ONCE:
            raise ValidationError({"added": f"Choose at most {MOST_AT_ONCE} files at once."})
        return cleaned

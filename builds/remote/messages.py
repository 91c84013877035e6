"""Validation of the messages between forge and builder: one form per kind of message."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

from builds.compiler.sources import chosen_apis, chosen_tools

PIECE_BYTES = 1024 * 1024
CHUNK_RECORDS = 5000
MOST_FILES = 20
# In characters, several times what the settings of tools and skills may take together.
MOST_DOCUMENT = 1_000_000
_SHA256 = r"\A[0-9a-f]{64}\Z"
# A plain name, never a path.
_NAME = RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")


class JobForm(forms.Form):
    """A forge's request to compile one target of a build."""

    key = forms.UUIDField()
    build = forms.IntegerField(min_value=1)
    target = forms.CharField(max_length=40)
    # The same target name can mean another system on another machine.
    system = forms.CharField(max_length=80)
    # Text rather than an object: the bytes of a build depend on each of its characters.
    document = forms.CharField(strip=False, max_length=MOST_DOCUMENT)
    sources = forms.RegexField(_SHA256)
    toolchain = forms.RegexField(_SHA256, required=False)

    def clean_document(self) -> str:
        document = str(self.cleaned_data["document"])
        try:
            chosen_tools(document), chosen_apis(document)
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValidationError("This is not an agent's configuration.") from error
        return document


class LogForm(forms.Form):
    """Records of a job's log."""

    sequence = forms.IntegerField(min_value=0)
    records = forms.JSONField()

    def clean_records(self) -> list[dict[str, Any]]:
        records = self.cleaned_data["records"]
        if not isinstance(records, list) or len(records) > CHUNK_RECORDS:
            raise ValidationError("This is not a list of records.")
        if not all(isinstance(record, dict) for record in records):
            raise ValidationError("A record is an object.")
        return records


class FileForm(forms.Form):
    """One announced file."""

    name = forms.CharField(max_length=80, validators=[_NAME])
    sha256 = forms.RegexField(_SHA256)
    size = forms.IntegerField(min_value=1, max_value=128 * 1024 * 1024)


class EndForm(forms.Form):
    """The result of a job."""

    sequence = forms.IntegerField(min_value=0)
    result = forms.ChoiceField(choices=[(each, each) for each in ("succeeded", "failed", "cancelled")])
    # `builder` when the agent is not at fault: another builder then tries.
    fault = forms.ChoiceField(required=False, choices=[("", ""), ("builder", "builder")])
    error = forms.CharField(required=False, max_length=20_000)
    exit_code = forms.IntegerField(required=False)
    sandbox = forms.CharField(required=False, max_length=40)
    toolchain = forms.JSONField(required=False)


class FilesForm(forms.Form):
    """The files that will be uploaded."""

    sequence = forms.IntegerField(min_value=0)
    announced = forms.JSONField()

    def clean_announced(self) -> list[dict[str, Any]]:
        files = self.cleaned_data["announced"]
        if not isinstance(files, list) or not 0 < len(files) <= MOST_FILES:
            raise ValidationError("This is not a list of files.")
        file_forms = [FileForm(each if isinstance(each, dict) else {}) for each in files]
        if not all(form.is_valid() for form in file_forms):
            raise ValidationError("A file has a name, a sha256 and a size.")
        if len({form.cleaned_data["name"] for form in file_forms}) < len(file_forms):
            raise ValidationError("Two files have the same name.")
        return [form.cleaned_data for form in file_forms]


class PieceForm(forms.Form):
    """Some bytes of an announced file."""

    name = forms.CharField(max_length=80, validators=[_NAME])
    offset = forms.IntegerField(min_value=0)
    content = forms.CharField(max_length=PIECE_BYTES * 4 // 3 + 4)

    def clean_content(self) -> bytes:
        try:
            return base64.b64decode(self.cleaned_data["content"], validate=True)
        except binascii.Error as error:
            raise ValidationError("This is not base64.") from error


class TextForm(forms.Form):
    """A request for some bytes of an extracted text."""

    sha256 = forms.RegexField(_SHA256)
    offset = forms.IntegerField(min_value=0)

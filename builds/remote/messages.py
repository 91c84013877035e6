"""Check the shape of what comes over the wire: one form for each kind of message."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator

PIECE_BYTES = 1024 * 1024
CHUNK_RECORDS = 5000
MOST_FILES = 20
_SHA256 = r"\A[0-9a-f]{64}\Z"
# A name only, never a path.
_NAME = RegexValidator(r"\A[A-Za-z0-9][A-Za-z0-9._-]{0,79}\Z")


class JobForm(forms.Form):
    """Ask a builder for one target of a build."""

    key = forms.UUIDField()
    build = forms.IntegerField(min_value=1)
    target = forms.CharField(max_length=40)
    # What a target's name means differs between machines.
    system = forms.CharField(max_length=80)
    # Text and not an object: the bytes of a build depend on every character of it.
    document = forms.CharField(strip=False, max_length=200_000)
    sources = forms.RegexField(_SHA256)
    toolchain = forms.RegexField(_SHA256, required=False)

    def clean_document(self) -> str:
        document = str(self.cleaned_data["document"])
        try:
            json.loads(document)["capabilities"]["tools"]
        except (ValueError, LookupError, TypeError, RecursionError) as error:
            raise ValidationError("This is no agent's configuration.") from error
        return document


class LogForm(forms.Form):
    """Bring records of a job's log."""

    sequence = forms.IntegerField(min_value=0)
    records = forms.JSONField()

    def clean_records(self) -> list[dict[str, Any]]:
        records = self.cleaned_data["records"]
        if not isinstance(records, list) or len(records) > CHUNK_RECORDS:
            raise ValidationError("This is no list of records.")
        if not all(isinstance(record, dict) for record in records):
            raise ValidationError("A record is an object.")
        return records


class FileForm(forms.Form):
    """Announce a file."""

    name = forms.CharField(max_length=80, validators=[_NAME])
    sha256 = forms.RegexField(_SHA256)
    size = forms.IntegerField(min_value=1, max_value=128 * 1024 * 1024)


class EndForm(forms.Form):
    """Say how a job ended."""

    sequence = forms.IntegerField(min_value=0)
    result = forms.ChoiceField(choices=[(each, each) for each in ("succeeded", "failed", "cancelled")])
    # `builder` when the agent is not to blame: it is then compiled elsewhere.
    fault = forms.ChoiceField(required=False, choices=[("", ""), ("builder", "builder")])
    error = forms.CharField(required=False, max_length=20_000)
    exit_code = forms.IntegerField(required=False)
    sandbox = forms.CharField(required=False, max_length=40)
    toolchain = forms.JSONField(required=False)


class FilesForm(forms.Form):
    """Announce the files that will be uploaded."""

    sequence = forms.IntegerField(min_value=0)
    announced = forms.JSONField()

    def clean_announced(self) -> list[dict[str, Any]]:
        listed = self.cleaned_data["announced"]
        if not isinstance(listed, list) or not 0 < len(listed) <= MOST_FILES:
            raise ValidationError("This is no list of files.")
        checked = [FileForm(each if isinstance(each, dict) else {}) for each in listed]
        if not all(form.is_valid() for form in checked):
            raise ValidationError("A file has a name, a sha256 and a size.")
        if len({form.cleaned_data["name"] for form in checked}) < len(checked):
            raise ValidationError("Two files have one name.")
        return [form.cleaned_data for form in checked]


class PieceForm(forms.Form):
    """Bring some bytes of a file."""

    name = forms.CharField(max_length=80, validators=[_NAME])
    offset = forms.IntegerField(min_value=0)
    content = forms.CharField(max_length=PIECE_BYTES * 4 // 3 + 4)

    def clean_content(self) -> bytes:
        try:
            return base64.b64decode(self.cleaned_data["content"], validate=True)
        except binascii.Error as error:
            raise ValidationError("This is no base64.") from error

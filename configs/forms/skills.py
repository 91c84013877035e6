"""The form that adds skills to an agent."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from agentforge.json_forms import JsonForm
from configs.skills.entries import LONGEST_PATH, MAIN_FILE
from configs.skills.uploads import MOST_UPLOAD

from .files import FilesField, FilesInput
from .services import Words


class AddSkillsForm(JsonForm):
    """Zip archives, the files of one skill, or a pasted SKILL.md.

    Browsers send the names of files without their folders: `paths` has them, in the same order.
    """

    added = FilesField(required=False, label="Add skills", allow_empty_file=True, widget=FilesInput())
    paths = Words(required=False, widget=forms.MultipleHiddenInput)
    text = forms.CharField(
        required=False,
        strip=False,
        label=f"Or paste a {MAIN_FILE}",
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "mono lines"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        files: list[UploadedFile[bytes]] = cleaned["added"]
        if not files and not cleaned["text"].strip():
            raise ValidationError({"added": f"Choose a zip archive or files, or paste a {MAIN_FILE}."})
        if sum(file.size or 0 for file in files) > MOST_UPLOAD:
            raise ValidationError({"added": f"These are more than {MOST_UPLOAD // 1_000_000} MB together."})
        if any(len(path) > 2 * LONGEST_PATH for path in cleaned["paths"]):
            raise ValidationError({"added": "A path is too long."})
        return cleaned

    def uploads(self) -> list[tuple[str, bytes]]:
        """Return the files of a valid form with their paths."""
        files: list[UploadedFile[bytes]] = self.cleaned_data["added"]
        if not files:
            return [(MAIN_FILE, self.cleaned_data["text"].encode())]
        paths = self.cleaned_data["paths"]
        names = paths if len(paths) == len(files) else [file.name or MAIN_FILE for file in files]
        return [(name, file.read()) for name, file in zip(names, files, strict=True)]

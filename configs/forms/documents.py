from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from agentforge.json_forms import JsonForm
from configs.documents.document import Document, parse
from configs.documents.importers import foreign, from_skills
from configs.documents.problems import DocumentError
from configs.skills.uploads import is_archive
from configs.tools.openapi.document import MAX_BYTES

_ACCEPTED = ".yaml,.yml,.json,.md,.zip,.skill"


class ImportForm(JsonForm):
    """A document as a file or as text; `imported` is the document of a valid form."""

    file = forms.FileField(
        required=False,
        label="File",
        widget=forms.FileInput(attrs={"accept": _ACCEPTED}),
        help_text="agent.yaml, or one of the files named above. You can also drop it here.",
    )
    document = forms.CharField(
        required=False,
        strip=False,
        label="Or paste it",
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "mono lines"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        file: UploadedFile[bytes] | None = cleaned["file"]
        name, data = (file.name or "", _read(file)) if file else ("", b"")
        archived = is_archive(data)
        text = cleaned["document"] if not file else "" if archived else _decoded(data)
        if not archived and not text.strip():
            raise ValidationError({"document": "Choose a file or paste a document."})
        if file:
            # The page shows the file's text, so that its errors can be corrected there.
            self.data = {**self.data, "document": text}
        try:
            self.foreign = from_skills(name, data) if archived else foreign(text, name)
            own = json.dumps(self.foreign.document) if self.foreign else text
            self.imported: Document = parse(own, unfinished=True)
        except DocumentError as error:
            raise ValidationError({"document": [str(problem) for problem in error.problems]}) from error
        return cleaned


def _read(file: UploadedFile[bytes]) -> bytes:
    if (file.size or 0) > MAX_BYTES:
        raise ValidationError({"file": f"The file is longer than {MAX_BYTES // 1024 // 1024} MB."})
    content: bytes = file.read()
    return content


def _decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError({"file": "This is not a text file in UTF-8."}) from error

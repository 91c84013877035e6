from __future__ import annotations

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile

from agentforge.json_forms import JsonForm
from configs.documents.document import Document, parse
from configs.documents.importers import foreign
from configs.documents.problems import DocumentError
from configs.tools.openapi.document import MAX_BYTES

_ACCEPTED = ".yaml,.yml,.json"


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
        text = _decoded(file) if file else cleaned["document"]
        if not text.strip():
            raise ValidationError({"document": "Choose a file or paste a document."})
        if file:
            # The page shows the file's text, so that its errors can be corrected there.
            self.data = {**self.data, "document": text}
        try:
            self.foreign = foreign(text)
            own = json.dumps(self.foreign.document) if self.foreign else text
            self.imported: Document = parse(own, unfinished=True)
        except DocumentError as error:
            raise ValidationError({"document": [str(problem) for problem in error.problems]}) from error
        return cleaned


def _decoded(file: UploadedFile[bytes]) -> str:
    if (file.size or 0) > MAX_BYTES:
        raise ValidationError({"file": f"The file is longer than {MAX_BYTES // 1024 // 1024} MB."})
    try:
        content: bytes = file.read()
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValidationError({"file": "This is not a text file in UTF-8."}) from error

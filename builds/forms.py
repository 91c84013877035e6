from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

LONGEST_MESSAGE = 8000


class MessageForm(forms.Form):
    """Take one message to the agent: any text, a few thousand characters, no control characters."""

    content = forms.CharField(
        label="Message",
        max_length=LONGEST_MESSAGE,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "Ask the agent something"}),
        error_messages={
            "required": "Write something first.",
            "max_length": f"A message may have {LONGEST_MESSAGE:,} characters; this one has %(show_value)s.",
        },
    )

    def clean_content(self) -> str:
        text: str = self.cleaned_data["content"].replace("\r\n", "\n").replace("\r", "\n")
        if any(
            unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text
        ):
            raise forms.ValidationError("The message contains a character that is not text. Remove it.")
        return text


class LogRangeForm(forms.Form):
    """Take which lines of a log to answer with: `from` and `to`, counted from 1, both included."""

    # More are asked for in several requests.
    MOST = 2000

    part = forms.IntegerField(required=False, min_value=-1)
    stream = forms.ChoiceField(required=False, choices=[("", "all"), ("err", "stderr")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = forms.IntegerField(required=False, min_value=1)
        self.fields["to"] = forms.IntegerField(required=False, min_value=1)

    def clean(self) -> dict[str, Any]:
        """Complete the range: `first` and `last`, at most MOST lines; and `errors`."""
        cleaned: dict[str, Any] = super().clean() or {}
        first = cleaned.get("from") or 1
        last = min(cleaned.get("to") or first + self.MOST - 1, first + self.MOST - 1)
        return {**cleaned, "first": first, "last": last, "errors": cleaned.get("stream") == "err"}


class LogPageForm(forms.Form):
    """Take which page of a log to show."""

    page = forms.IntegerField(required=False, min_value=1)
    stream = forms.ChoiceField(required=False, choices=[("", "all"), ("err", "stderr")])


class LogSearchForm(forms.Form):
    """Take what to look for in a log."""

    q = forms.CharField(max_length=200, strip=False)
    stream = forms.ChoiceField(required=False, choices=[("", "all"), ("err", "stderr")])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        return {**cleaned, "errors": cleaned.get("stream") == "err"}

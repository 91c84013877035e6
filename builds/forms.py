from __future__ import annotations

import unicodedata

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

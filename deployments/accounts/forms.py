from __future__ import annotations

from django import forms

from agentforge.json_forms import JsonForm
from configs.forms.text import TextField


class ConnectForm(JsonForm):
    """An access token of a Netlify account; a saved one is never shown."""

    token = TextField(
        label="Netlify access token",
        max_length=500,
        error_messages={"required": "Paste the token."},
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password", "spellcheck": "false"}),
        help_text="Create one at Netlify under User settings, Applications, Personal access tokens.",
    )

    def clean_token(self) -> str:
        token: str = self.cleaned_data["token"]
        if not token.isascii() or any(character.isspace() for character in token):
            raise forms.ValidationError("A token has only ASCII characters and no spaces: copy it again.")
        return token

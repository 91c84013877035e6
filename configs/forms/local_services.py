"""The forms for a program of a person's own machine, whose tools are pasted: the forge runs none of them."""

from __future__ import annotations

import json
import shlex
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from configs.tools import program_validation, services

from .services import PLAIN, ChoiceFields, NamedForm
from .text import TextField


class LocalForm(NamedForm):
    """A program, how it is started, and what it printed for tools/list."""

    tool = services.LOCAL
    sent = ("name", "command", "env")
    view = "configs:local_test"
    title = "Add a program of your machine"
    note = (
        "It runs only where the agent is an executable on your own machine. The forge never runs it, so "
        "paste its tools."
    )
    button = "List its tools"

    command = TextField(
        label="Command",
        max_length=1000,
        help_text="As in a terminal of the machine where the agent runs: npx -y my-server --flag",
        widget=forms.TextInput(attrs=PLAIN),
        error_messages={"required": "Give the command."},
    )
    env = TextField(
        label="Variables",
        required=False,
        max_length=1000,
        help_text="Names of the variables that it gets from there, such as GITHUB_TOKEN. It gets no others.",
        widget=forms.TextInput(attrs=PLAIN),
    )
    listing = forms.CharField(
        required=False,
        strip=False,
        label="Its tools",
        max_length=1_000_000,
        help_text="What `npx @modelcontextprotocol/inspector --cli COMMAND --method tools/list` prints.",
        widget=forms.Textarea(attrs={"rows": 4, "spellcheck": "false", "class": "mono"}),
    )

    def clean_command(self) -> str:
        try:
            words = shlex.split(self.cleaned_data["command"])
        except ValueError as error:
            raise ValidationError("Close the quotation marks.") from error
        program_validation.clean_command(words[0] if words else "", words[1:])
        return str(self.cleaned_data["command"])

    def clean_env(self) -> str:
        names = self.cleaned_data["env"].replace(",", " ").split()
        return " ".join(program_validation.clean_env(names))

    @property
    def tools(self) -> list[dict[str, Any]]:
        """Return the tools that were pasted. Raises ValidationError."""
        try:
            listed = json.loads(self.cleaned_data["listing"])
        except (ValueError, RecursionError) as error:
            raise ValidationError("Paste the JSON that tools/list prints.") from error
        for name in ("result", "tools"):
            listed = listed.get(name, listed) if isinstance(listed, dict) else listed
        if not isinstance(listed, list) or not all(
            isinstance(tool, dict) and isinstance(tool.get("name"), str) for tool in listed
        ):
            raise ValidationError("Paste the JSON that tools/list prints.")
        return listed

    @property
    def entry(self) -> dict[str, Any]:
        """Return a valid form's program as agent.json names it, without what is chosen of it."""
        command, *args = shlex.split(self.cleaned_data["command"])
        entry = {"name": self.cleaned_data["name"], "command": command}
        optional = {"args": args, "env": self.cleaned_data["env"].split()}
        return entry | {name: value for name, value in optional.items() if value}


class LocalChoiceForm(ChoiceFields, LocalForm):
    """What is chosen of a program."""

    tool = services.LOCAL

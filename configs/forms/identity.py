from __future__ import annotations

import re

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.utils.text import slugify

from configs.choices import AgentType, Tab
from configs.models import AgentConfig

from .base import Cards, DraftForm
from .text import TextField

NAME_LENGTH = 100
HANDLE_LENGTH = 40
TAKEN = "Another agent of yours has this handle."

TYPE_SENTENCES: dict[str, str] = {
    AgentType.ASSISTANT: "Helps with everyday questions and tasks",
    AgentType.SPECIALIST: "Goes deep in one field",
    AgentType.RESEARCHER: "Tells evidence from opinion",
    AgentType.ANALYST: "Compares options, then concludes",
    AgentType.CREATIVE: "Offers original ideas",
    AgentType.TECHNICAL: "Gives exact, working answers",
}

# The grammar of https://semver.org/spec/v2.0.0.html: no leading zeros in numbers.
_NUMBER = r"(?:0|[1-9][0-9]*)"
_PRERELEASE = rf"(?:{_NUMBER}|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
_BUILD = r"[0-9a-zA-Z-]+"
SEMVER = re.compile(
    rf"\A{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-{_PRERELEASE}(?:\.{_PRERELEASE})*)?(?:\+{_BUILD}(?:\.{_BUILD})*)?\Z"
)
HANDLE = re.compile(r"\A[a-z0-9]+(?:-[a-z0-9]+)*\Z")


class IdentityForm(DraftForm):
    tab = Tab.IDENTITY

    name = TextField(
        min_length=3,
        max_length=NAME_LENGTH,
        min_visible=1,
        error_messages={"required": "Give it a name."},
        help_text="What people call the agent, and what it calls itself.",
    )
    handle = TextField(
        max_length=HANDLE_LENGTH,
        required=False,
        validators=[
            RegexValidator(
                HANDLE, "Use lower-case letters, digits and single hyphens between them, like my-agent."
            )
        ],
        help_text="Used in the agent's file names and URLs. If empty, it is made from the name.",
    )
    type = forms.ChoiceField(choices=AgentType, widget=Cards(TYPE_SENTENCES))
    description = TextField(
        max_length=500,
        required=False,
        lines=True,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="What the agent is for. The agent and its users see it.",
    )
    version = TextField(
        max_length=64,
        initial="0.1.0",
        error_messages={"required": "Give it a version, like 1.0.0."},
        validators=[
            RegexValidator(SEMVER, "Use a semantic version: three numbers, like 1.0.0 or 1.2.0-beta.1.")
        ],
        help_text="A semantic version (semver.org).",
    )

    class Meta:
        model = AgentConfig
        fields = ("name", "handle", "type", "description", "version")

    def clean_handle(self) -> str:
        handle: str = self.cleaned_data["handle"]
        if not handle:
            return self._suggested()
        if "handle" in self.changed_data and handle in self._taken():
            raise ValidationError(TAKEN, code="unique")
        return handle

    def _taken(self) -> set[str]:
        if not self.instance.owner_id:
            return set()
        others = AgentConfig.objects.filter(owner_id=self.instance.owner_id, trashed_at=None).exclude(
            pk=self.instance.pk
        )
        return set(others.values_list("handle", flat=True))

    def _suggested(self) -> str:
        return suggest_handle(self.cleaned_data.get("name", ""), self._taken())


def suggest_handle(name: str, taken: set[str]) -> str:
    """Return a free handle made from a name, with the next free number appended if needed."""
    base = slugify(name).replace("_", "-").strip("-")
    base = re.sub(r"-+", "-", base)[:HANDLE_LENGTH].strip("-") or "agent"
    handle, number = base, 1
    while handle in taken:
        number += 1
        suffix = f"-{number}"
        handle = base[: HANDLE_LENGTH - len(suffix)].rstrip("-") + suffix
    return handle

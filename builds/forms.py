from __future__ import annotations

import unicodedata
from typing import Any

from django import forms

from .compiler import targets
from .models import PLUGIN

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


class _Targets(forms.CheckboxSelectMultiple):
    """Say under each target what it is for, and disable what can't be built here, with the reason."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        target = targets.get(str(value))
        why = targets.refusal(target)
        option["attrs"]["title"] = why or f"{target.purpose} · about {target.megabytes} MB"
        option["attrs"]["disabled"] = bool(why)
        return option


class TargetForm(forms.Form):
    """Take what a build should make; the plugin where nothing is named."""

    targets = forms.MultipleChoiceField(label="What to make", required=False, widget=_Targets)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["targets"]
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - tells the type checker
        field.choices = [(target.name, target.label) for target in targets.registry().values()]

    def clean_targets(self) -> list[str]:
        chosen = targets.in_order(self.cleaned_data["targets"] or [PLUGIN])
        refused = {name: targets.refusal(targets.get(name)) for name in chosen}
        if told := [f"{name}: {why}" for name, why in refused.items() if why]:
            raise forms.ValidationError(told)
        return chosen

from __future__ import annotations

import base64
import unicodedata
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

from django import forms
from django.core.files.uploadedfile import UploadedFile

from agentforge import formats
from agentforge.flag_field import FlagField
from agentforge.json_forms import JsonForm
from configs.forms.agent_filter import AgentFilterForm
from configs.forms.files import FilesInput

from .compiler import targets, warmup
from .models import PLUGIN, BuildStatus, Conversation
from .trial import images

LONGEST_MESSAGE = 8000


class PicturesField(forms.FileField):
    """Images of a question; a script sends them as texts in base64."""

    def clean(self, data: Any, initial: Any = None) -> list[bytes]:
        given = data if isinstance(data, (list, tuple)) else [data] if data else []
        if len(given) > images.MOST:
            raise forms.ValidationError(f"Choose at most {images.MOST} images.")
        contents = [self._content(each) for each in given]
        try:
            for content in contents:
                images.media_type(content)
        except images.InvalidImage as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        if sum(map(len, contents)) > images.MOST_SENT:
            most = images.MOST_SENT // 1024 // 1024
            raise forms.ValidationError(
                f"Images may have {most} MB together; these are larger. Send fewer, or smaller ones."
            )
        return contents

    def _content(self, given: Any) -> bytes:
        if isinstance(given, str):
            try:
                return base64.b64decode(given, validate=True)
            except ValueError as error:
                raise forms.ValidationError("An image is text in base64.") from error
        if isinstance(given, UploadedFile):
            # One byte more shows that it is too large.
            return bytes(given.read(images.MOST_BYTES + 1))
        raise forms.ValidationError("An image is a file, or text in base64.")


class PicturesInput(FilesInput):
    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        return super().value_from_datadict(data, files, name) or data.get(name)


class TextForm(JsonForm):
    """The words of a message to the agent: any text without control characters."""

    content = forms.CharField(
        label="Message",
        max_length=LONGEST_MESSAGE,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 3, "placeholder": "Ask the agent something"}),
        error_messages={
            "required": "Enter a message.",
            "max_length": f"A message may have {LONGEST_MESSAGE:,} characters; this one has %(show_value)s.",
        },
    )

    def clean_content(self) -> str:
        text: str = self.cleaned_data["content"].replace("\r\n", "\n").replace("\r", "\n")
        if any(
            unicodedata.category(character) in ("Cc", "Cs") and character not in "\n\t" for character in text
        ):
            raise forms.ValidationError("The message contains a control character. Remove it.")
        return text


class MessageForm(TextForm):
    """A message to the agent, with images."""

    pictures = PicturesField(
        required=False,
        label="Images",
        widget=PicturesInput(attrs={"accept": "image/png,image/jpeg,image/gif,image/webp"}),
        help_text=f"Choose, paste or drop up to {images.MOST} images of 5 MB, together at most 9 MB.",
    )


class ApprovalForm(JsonForm):
    """A person's answer to a call that waits: which, what, and a word for the agent if it is no."""

    approval = forms.CharField(max_length=100)
    answer = forms.ChoiceField(
        choices=[("once", "Once"), ("conversation", "In this conversation"), ("deny", "No")]
    )
    word = forms.CharField(required=False, max_length=1000)


class ConversationForm(JsonForm):
    """Which conversation: the one that was used last, unless one is chosen or a new one is begun."""

    conversation = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)
    new = FlagField(required=False)


class QuestionForm(MessageForm, ConversationForm):
    """A message to a build, in a conversation."""


class ConversationExportForm(ConversationForm):
    form = forms.ChoiceField(required=False, choices=[("markdown", "Markdown"), ("json", "JSON")])


class ConversationTitleForm(JsonForm):
    title = forms.CharField(
        max_length=Conversation.TITLE_LENGTH,
        strip=True,
        error_messages={"required": "Give the conversation a title."},
    )

    def clean_title(self) -> str:
        title: str = self.cleaned_data["title"]
        if any(unicodedata.category(character) in ("Cc", "Cs") for character in title):
            raise forms.ValidationError("The title contains a control character. Remove it.")
        return title


class BuildListForm(AgentFilterForm):
    """What a list of builds shows."""

    status = forms.ChoiceField(
        label="Status", required=False, choices=[("", "Any status"), *BuildStatus.choices]
    )


class LogRangeForm(forms.Form):
    """A range of log lines: `from` and `to`, counted from 1, both included, at most MOST lines."""

    MOST = 2000

    part = forms.IntegerField(required=False, min_value=-1)
    stream = forms.ChoiceField(required=False, choices=[("", "all"), ("err", "stderr")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["from"] = forms.IntegerField(required=False, min_value=1)
        self.fields["to"] = forms.IntegerField(required=False, min_value=1)

    def clean(self) -> dict[str, Any]:
        """Add `first` and `last`, the completed range, and `errors`."""
        cleaned: dict[str, Any] = super().clean() or {}
        first = cleaned.get("from") or 1
        last = min(cleaned.get("to") or first + self.MOST - 1, first + self.MOST - 1)
        return {**cleaned, "first": first, "last": last, "errors": cleaned.get("stream") == "err"}


class LogPageForm(forms.Form):
    page = forms.IntegerField(required=False, min_value=1)
    stream = forms.ChoiceField(required=False, choices=[("", "all"), ("err", "stderr")])


class LogSearchForm(forms.Form):
    q = forms.CharField(max_length=200, strip=False)
    stream = forms.ChoiceField(required=False, choices=[("", "all"), ("err", "stderr")])

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        return {**cleaned, "errors": cleaned.get("stream") == "err"}


class _TargetCheckboxes(forms.CheckboxSelectMultiple):
    """Explains each target with how long it usually takes, and disables those that can't be built here."""

    usual: Mapping[str, timedelta]

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option: dict[str, Any] = super().create_option(name, value, *args, **kwargs)
        target = targets.get(str(value))
        refusal = targets.refusal(target)
        facts = f"{target.purpose} · about {target.megabytes} MB · {self._time(target)}"
        option["attrs"]["title"] = refusal or facts
        option["attrs"]["disabled"] = bool(refusal)
        return option

    def _time(self, target: targets.Target) -> str:
        if target.name in self.usual:
            return f"usually {formats.duration(self.usual[target.name])}"
        if target.name == PLUGIN and warmup.latest().state == warmup.WARM:
            return "takes seconds, for its packages are compiled"
        return "never built here: the first time takes minutes"


class TargetForm(JsonForm):
    """The targets of a build, by default the plugin."""

    targets = forms.MultipleChoiceField(label="What to build", required=False, widget=_TargetCheckboxes)

    def __init__(self, *args: Any, usual: Mapping[str, timedelta] | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["targets"]
        cast(_TargetCheckboxes, field.widget).usual = usual or {}
        assert isinstance(field, forms.MultipleChoiceField)  # noqa: S101 - tells the type checker
        field.choices = [(target.name, target.label) for target in targets.registry().values()]

    def clean_targets(self) -> list[str]:
        chosen = targets.in_order(self.cleaned_data["targets"] or [PLUGIN])
        refusals = {name: targets.refusal(targets.get(name)) for name in chosen}
        if errors := [f"{name}: {refusal}" for name, refusal in refusals.items() if refusal]:
            raise forms.ValidationError(errors)
        return chosen

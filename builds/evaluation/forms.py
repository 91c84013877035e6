from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from agentforge.json_forms import JsonFields, JsonForm
from agentforge.pagination import PageForm
from builds.models import Evaluation
from configs.agent_templates import agent_templates
from configs.documents.problems import DocumentError
from configs.documents.room import MAX_CHARACTERS

from . import cases
from .lifecycle import BUILD, DRAFT

EXAMPLE = """\
cases:
  - name: says who it is
    ask: Who are you?
    repeat: 3
    expect:
      - icontains: assistant
      - latency: 10
"""


if TYPE_CHECKING:
    _EvaluationForm = forms.ModelForm[Evaluation]
else:
    # Django's class is generic in its type stubs only.
    _EvaluationForm = forms.ModelForm


class CasesForm(JsonFields, _EvaluationForm):
    """The cases of an agent as YAML or JSON; `suite` holds them once the form is valid."""

    suite: cases.Suite

    cases = forms.CharField(
        label="Cases",
        max_length=MAX_CHARACTERS,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 18, "class": "mono", "spellcheck": "false"}),
        error_messages={"required": "Write at least one case."},
    )

    class Meta:
        model = Evaluation
        fields = ("cases", "gate")
        labels: ClassVar = {"gate": "A build that has not passed"}
        widgets: ClassVar = {"gate": forms.RadioSelect}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["gate"].required = False

    def clean_cases(self) -> str:
        text: str = self.cleaned_data["cases"].replace("\r\n", "\n")
        try:
            self.suite = cases.read(text)
        except DocumentError as error:
            raise forms.ValidationError([str(problem) for problem in error.problems]) from error
        return text

    def clean_gate(self) -> str:
        """Keep what is chosen when a script sends only the cases."""
        return self.cleaned_data["gate"] or self.instance.gate


class EvaluationPageForm(PageForm):
    """Which runs are shown, and the template whose cases are written down before any are saved."""

    template = forms.ChoiceField(required=False, choices=lambda: [(slug, slug) for slug in agent_templates()])


class RunForm(JsonForm):
    against = forms.ChoiceField(choices=[(BUILD, "The newest build"), (DRAFT, "The draft")])
    # The number of a run that was recorded.
    recording = forms.IntegerField(required=False, min_value=1, max_value=2**63 - 1)

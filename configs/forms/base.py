from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from configs.choices import Tab
from configs.models import AgentConfig

# The models that each provider offers, by the provider's code; a code that is missing was never asked.
Offers = Mapping[str, Sequence[str]]


if TYPE_CHECKING:
    AgentForm = forms.ModelForm[AgentConfig]
else:
    # Django's own class takes no type argument when it runs.
    AgentForm = forms.ModelForm


class Cards(forms.RadioSelect):
    """Show each choice with a sentence on what it means."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__()
        self._sentences = sentences

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["title"] = self._sentences.get(str(value), "")
        return option


class DraftForm(AgentForm):
    """Validate one tab of a draft. The instance carries the owner; `offers` the lists of models."""

    tab: ClassVar[Tab]

    def __init__(self, data: Any = None, *, offers: Offers | None = None, **kwargs: Any) -> None:
        self.offers: Offers = offers or {}
        super().__init__(data, **kwargs)

    def values(self) -> dict[str, Any]:
        """Return the draft's values for this form's fields, as JSON can hold them."""
        held = {name: getattr(self.instance, name) for name in self._meta.fields or ()}
        return {name: _plain(value) for name, value in held.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return list(value)
    return value if isinstance(value, (str, bool, int)) else float(value)


def draft_values(form_class: type[DraftForm], agent: AgentConfig) -> dict[str, Any]:
    """Return an agent's saved values in the shape in which a form takes its data."""
    return form_class(instance=agent).values()


def misfits(form_class: type[DraftForm], values: Mapping[str, Any]) -> dict[str, str]:
    """Tell which values of a JSON or YAML object have a type that their field can't hold.

    HTML knows only text, so forms convert; in a document, a number where text belongs is a mistake.
    """
    wrong: dict[str, str] = {}
    for name, value in values.items():
        field = form_class.base_fields.get(name)
        if field is not None and (problem := _misfit(field, value)):
            wrong[name] = problem
    return wrong


def _misfit(field: forms.Field, value: Any) -> str:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if isinstance(field, forms.BooleanField):
        return "" if isinstance(value, bool) else "must be true or false"
    # Django's DecimalField is an IntegerField too.
    if isinstance(field, forms.DecimalField):
        return "" if number else "must be a number"
    if isinstance(field, forms.IntegerField):
        return "" if number and isinstance(value, int) else "must be a whole number"
    if isinstance(field, forms.MultipleChoiceField):
        whole = isinstance(value, list) and all(isinstance(entry, str) for entry in value)
        return "" if whole else "must be a list of words"
    return "" if isinstance(value, str) else "must be text"

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms

from agentforge.json_forms import type_error
from configs.choices import Tab
from configs.conflicts import Basis, comparable
from configs.keys.vault import key_in_use, stored_under
from configs.models import AgentConfig, ApiKey


@dataclass(frozen=True)
class Offers:
    """A user's keys, with the models that each last offered, and by provider those of this machine."""

    keys: Sequence[ApiKey] = ()
    local: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def of(self, provider: str) -> list[ApiKey]:
        """Return the user's keys for a provider."""
        return [key for key in self.keys if key.provider == stored_under(provider)]

    def models(self, provider: str, chosen: int | None) -> list[str]:
        """Return the models that an agent may use with a provider; empty if unknown."""
        if provider in self.local:
            return list(self.local[provider])
        key = key_in_use(self.keys, provider, chosen)
        return list(key.models_offered) if key else []


if TYPE_CHECKING:
    AgentForm = forms.ModelForm[AgentConfig]
else:
    # Django's class is generic in its type stubs only.
    AgentForm = forms.ModelForm


class Cards(forms.RadioSelect):
    """Radio buttons with a sentence that explains each choice."""

    def __init__(self, sentences: Mapping[str, str]) -> None:
        super().__init__()
        self._sentences = sentences

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
        option = super().create_option(name, value, *args, **kwargs)
        option["attrs"]["title"] = self._sentences.get(str(value), "")
        return option


class DraftForm(AgentForm):
    """Validate one tab of a draft.

    The instance carries the owner, `offers` the lists of models, `basis` what the sender saw before.
    """

    tab: ClassVar[Tab]
    # Whether its fields make sense only together, so that none is saved while another is invalid.
    is_one_choice: ClassVar[bool] = False
    basis: Basis = Basis()
    # Whether its errors are those that the last check found in what is saved, not those of what was sent.
    is_checked: bool = False

    def __init__(self, data: Any = None, *, offers: Offers | None = None, **kwargs: Any) -> None:
        self.offers = offers or Offers()
        super().__init__(data, **kwargs)

    def values(self) -> dict[str, Any]:
        """Return the draft's values for this form's fields in a form that JSON can hold."""
        return self.instance.values_of(self._meta.fields or ())

    def cleaned_values(self) -> dict[str, Any]:
        """Return a valid form's values by the names of the draft's fields."""
        return {name: getattr(self.instance, name) for name in self._meta.fields or ()}

    def changed_values(self) -> dict[str, Any]:
        """Return the valid values that differ from those that the sender's page showed, by name."""
        if self.non_field_errors() or (self.is_one_choice and self.errors):
            return {}
        shown = self.basis.values or {}
        values = self.values()
        return {
            name: getattr(self.instance, name)
            for name in values
            if name not in self.errors and comparable(values[name]) != comparable(shown.get(name))
        }

    @classmethod
    def checked_values(cls, agent: AgentConfig) -> dict[str, Any]:
        """Return what a check of a saved tab looks at: when it changes, the check is out of date."""
        return draft_values(cls, agent)

    def blockers(self) -> dict[str, list[str]]:
        """Return what keeps the saved tab from being compiled, but not from being saved, by field."""
        return {}

    @property
    def base(self) -> str:
        """Return the values that the page shows, or showed before, as JSON for the page to send back."""
        return json.dumps(self.values() if self.basis.values is None else self.basis.values)


def draft_values(form_class: type[DraftForm], agent: AgentConfig) -> dict[str, Any]:
    """Return an agent's saved values in the shape in which a form takes its data."""
    return agent.values_of(form_class._meta.fields or ())


def type_errors(form_class: type[DraftForm], values: Mapping[str, Any]) -> dict[str, str]:
    """Return errors, by name, for values of a JSON or YAML object whose type does not fit their field.

    Forms convert the text of HTML; in a document, a number in place of text is a mistake.
    """
    errors: dict[str, str] = {}
    for name, value in values.items():
        field = form_class.base_fields.get(name)
        if field is not None and (problem := type_error(field, value)):
            errors[name] = problem
    return errors

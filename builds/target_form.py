from __future__ import annotations

from typing import Any

from django import forms

from .compiler import targets
from .models import PLUGIN


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

from __future__ import annotations

from django import forms
from django.core.exceptions import ValidationError

from agentforge.json_forms import JsonForm
from configs.choices import CommunicationStyle, Preset, ResponseLength, Tab, Tone, Trait
from configs.models import AgentConfig

from .base import Cards, DraftForm
from .text import TextField

MAX_TRAITS = 5

PRESET_SENTENCES: dict[str, str] = {
    Preset.BALANCED: "Helpful, correct and quick in equal measure",
    Preset.PROFESSIONAL: "Keeps to the task",
    Preset.FRIENDLY: "Puts people at ease",
    Preset.MENTOR: "Teaches as it answers",
    Preset.ANALYTICAL: "Shows how it got there",
    Preset.IMAGINATIVE: "Looks for unusual links",
}


class RangeInput(forms.NumberInput):
    """A slider. It always has a value, so HTML does not let it be required."""

    input_type = "range"

    def use_required_attribute(self, initial: object) -> bool:
        return False


class PresetForm(JsonForm):
    """What the values of a preset depend on."""

    preset = forms.ChoiceField(choices=Preset)
    custom_instructions = forms.CharField(required=False)


class PersonalityForm(DraftForm):
    tab = Tab.PERSONALITY

    preset = forms.ChoiceField(
        choices=Preset,
        widget=Cards(PRESET_SENTENCES),
        help_text="A starting point: it fills in the fields below.",
    )
    traits = forms.MultipleChoiceField(
        choices=Trait,
        widget=forms.CheckboxSelectMultiple,
        help_text=f"One to {MAX_TRAITS}.",
        error_messages={"required": "Choose at least one trait."},
    )
    communication_style = forms.ChoiceField(choices=CommunicationStyle, widget=forms.RadioSelect)
    tone = forms.ChoiceField(choices=Tone, widget=forms.RadioSelect)
    response_length = forms.ChoiceField(choices=ResponseLength, widget=forms.RadioSelect)
    creativity = forms.DecimalField(
        min_value=0,
        max_value=1,
        max_digits=3,
        decimal_places=2,
        widget=RangeInput(attrs={"min": "0", "max": "1", "step": "0.05"}),
        help_text="0 keeps to what is established, 1 takes risks. It is also the sampling temperature.",
    )
    custom_instructions = TextField(
        max_length=4000,
        required=False,
        lines=True,
        strip=False,
        widget=forms.Textarea(attrs={"rows": 8}),
        help_text="Passed to the agent verbatim, after everything above.",
    )

    class Meta:
        model = AgentConfig
        fields = (
            "preset",
            "traits",
            "communication_style",
            "tone",
            "response_length",
            "creativity",
            "custom_instructions",
        )

    def clean_traits(self) -> list[str]:
        traits: list[str] = list(dict.fromkeys(self.cleaned_data["traits"]))
        if len(traits) > MAX_TRAITS:
            raise ValidationError(f"Choose at most {MAX_TRAITS} traits: {len(traits)} are chosen.")
        return traits

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BoundField

from agentforge.flag_field import FlagField
from configs.choices import Tab, Tool
from configs.documents.room import TOOLS
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from configs.providers.prices import price_of
from configs.tools.catalogue import functions_of
from configs.tools.settings import missing_settings

from .base import DraftForm
from .schema_field import SchemaField
from .tool_cards import ToolCard, tool_cards
from .tool_fields import PermissionsField, ToolSettingsField


def _limit(low: int, high: int, label: str, help_text: str) -> forms.IntegerField:
    messages = {"required": f"Enter a number from {low} to {high}."}
    return forms.IntegerField(
        min_value=low, max_value=high, label=label, help_text=help_text, error_messages=messages
    )


def _models_of(agent: AgentConfig) -> list[tuple[str, str]]:
    """Return the providers and models that may answer, as far as they are chosen."""
    chosen = [(agent.provider, agent.model), (agent.fallback_provider, agent.fallback_model)]
    return [(provider, model) for provider, model in chosen if provider and model]


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


class _OptionalNumber(forms.IntegerField):
    takes_null = True


class _OptionalAmount(forms.DecimalField):
    takes_null = True


def _tokens(label: str, low: int = 100, high: int = 1_000_000_000, help_text: str = "") -> _OptionalNumber:
    text = help_text or f"At least {low}; empty for no limit."
    return _OptionalNumber(required=False, min_value=low, max_value=high, label=label, help_text=text)


def _cost(label: str) -> forms.DecimalField:
    return _OptionalAmount(
        required=False,
        min_value=Decimal("0.01"),
        max_value=Decimal(100_000),
        decimal_places=2,
        label=label,
        help_text="In US dollars; empty for no limit.",
    )


class CapabilitiesForm(DraftForm):
    tab = Tab.CAPABILITIES

    memory = FlagField(
        required=False, label="Conversation memory", help_text="The agent sees the earlier messages too."
    )
    memory_turns = _limit(1, 50, "Exchanges remembered", "1 to 50. Used while memory is on.")
    memory_tokens = _tokens(
        *("Window in tokens", 1000, 2_000_000),
        "What a request may have. What falls out is summarized; empty for exchanges alone.",
    )
    tools = forms.MultipleChoiceField(
        choices=Tool,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="Each is compiled into the agent only if chosen.",
    )
    tool_settings = ToolSettingsField(
        required=False, label="Settings of tools", help_text="By tool, then by setting."
    )
    permissions = PermissionsField(
        required=False,
        label="Permissions",
        help_text="Rules by tool or function: allow, ask or deny, or deny url=*/private/* for some calls.",
    )
    images = FlagField(
        required=False,
        label="Images",
        help_text="People may send images with their questions: PNG, JPEG, GIF or WebP, 5 MB at most.",
    )
    answer_schema = SchemaField(
        label="JSON Schema of the answers",
        help_text="Every answer is JSON of this form, checked and repaired once. Empty for answers in words.",
    )
    tool_rounds = _limit(0, 20, "Rounds of tools", "0 to 20 rounds for one answer.")
    time_limit_seconds = _limit(5, 300, "Seconds", "5 to 300 for one answer.")
    memory_limit_mb = _limit(128, 2048, "Memory in MB", "128 to 2,048 for the agent's process.")

    conversation_tokens = _tokens("Tokens of a conversation")
    conversation_cost = _cost("Cost of a conversation")
    day_tokens = _tokens("Tokens of a day")
    day_cost = _cost("Cost of a day")

    class Meta:
        model = AgentConfig
        fields = (
            *("memory", "memory_turns", "memory_tokens", "tools", "tool_settings", "permissions"),
            *("images", "answer_schema", "tool_rounds", "time_limit_seconds", "memory_limit_mb"),
            *("conversation_tokens", "conversation_cost", "day_tokens", "day_cost"),
        )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.tools_refused:
            self.fields["tools"].widget.attrs["disabled"] = True
            self.fields["tools"].help_text = self.tools_refused

    @property
    def tools_refused(self) -> str:
        """Return why the chosen provider can't use tools; empty if it can, or none is chosen yet."""
        provider = PROVIDERS.get(self.instance.provider)
        if provider is None or provider.supports_tools:
            return ""
        return f"{provider.label} can't use tools. Choose another provider to offer them."

    def clean_tools(self) -> list[str]:
        tools = sorted(set(self.cleaned_data["tools"]))
        if tools and self.tools_refused:
            raise ValidationError(self.tools_refused)
        return tools

    @classmethod
    def checked_values(cls, agent: AgentConfig) -> dict[str, Any]:
        values = super().checked_values(agent)
        if not (agent.conversation_cost or agent.day_cost or agent.images):
            return values
        return {**values, "models": [list(chosen) for chosen in _models_of(agent)]}

    def clean_images(self) -> bool:
        """Refuse images for a model that the catalogue knows not to take them."""
        wanted: bool = self.cleaned_data["images"]
        for code, model in _models_of(self.instance) if wanted else ():
            provider = PROVIDERS.get(code)
            if provider is not None and not provider.takes_images(model):
                raise ValidationError(
                    f"{model} of {provider.label} takes no images. Choose a model that does."
                )
        return wanted

    def clean_conversation_cost(self) -> Decimal | None:
        return self._limited("conversation_cost")

    def clean_day_cost(self) -> Decimal | None:
        return self._limited("day_cost")

    def _limited(self, name: str) -> Decimal | None:
        """Return a limit of cost. Raises ValidationError where the price of a chosen model is not known."""
        limit: Decimal | None = self.cleaned_data[name]
        for provider, model in _models_of(self.instance) if limit else ():
            if price_of(provider, model) is None:
                label = PROVIDERS[provider].label if provider in PROVIDERS else provider
                raise ValidationError(
                    f"The price of {model} of {label} is not known, so its cost can't be limited. Limit the "
                    "tokens instead, or ask the operator for a list of prices (AGENTFORGE_PRICES)."
                )
        return limit

    def clean(self) -> dict[str, Any]:
        """Keep what belongs to chosen tools only, and ask for the settings that they need."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if "tools" not in cleaned:
            return cleaned
        chosen = set(cleaned["tools"])
        if "tool_settings" in cleaned:
            cleaned["tool_settings"] = {
                tool: values for tool, values in cleaned["tool_settings"].items() if tool in chosen
            }
            if missing := missing_settings(chosen, cleaned["tool_settings"]):
                self.add_error("tool_settings", missing)
        if "permissions" in cleaned:
            settings = cleaned.get("tool_settings", {})
            mine = chosen | {
                function.name for tool in chosen for function in functions_of(tool, settings.get(tool, {}))
            }
            cleaned["permissions"] = {
                name: rules for name, rules in cleaned["permissions"].items() if name in mine
            }
        self._check_room(cleaned)
        return cleaned

    def _check_room(self, cleaned: Mapping[str, Any]) -> None:
        """Refuse what an exported agent would have no room for."""
        part = {name: cleaned.get(name) for name in ("tool_settings", "permissions", "answer_schema")}
        if too_much := TOOLS.overflow({"capabilities": part}):
            self.add_error(
                "tool_settings",
                f"What the tools have together {too_much}. Choose fewer functions of their services.",
            )

    @property
    def tool_problems(self) -> list[BoundField]:
        """Return the fields whose errors the catalogue shows below its cards."""
        return [self["tool_settings"], self["permissions"]]

    @property
    def tool_cards(self) -> list[ToolCard]:
        """Return the catalogue as the page shows it, with what this form holds of each tool."""
        chosen = self["tools"].value() or []
        settings, permissions = (_mapping(self[name].value()) for name in ("tool_settings", "permissions"))
        return tool_cards(chosen, settings, permissions)

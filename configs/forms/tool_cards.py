"""The cards of the catalogue of tools on the Capabilities page."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from django.core.exceptions import ValidationError

from configs.choices import Tool
from configs.tools.catalogue import CATALOGUE, functions_of, tool_of
from configs.tools.entries import Function, Setting, ToolEntry
from configs.tools.permissions import ALLOW, ASK, DENY, choice_for, patterns_for
from configs.tools.services import SETTING, Service, services_of
from configs.tools.settings import clean_settings


@dataclass(frozen=True)
class SettingInput:
    """One setting, and the name and value of its input."""

    setting: Setting
    name: str
    value: Any

    @property
    def services(self) -> list[Service]:
        """Return the services that the value holds."""
        tool = self.name.split(".")[1]
        try:
            return services_of(clean_settings({tool: {self.setting.name: self.value}}))
        except ValidationError:
            return []


@dataclass(frozen=True)
class PermissionInput:
    """The permission of a function: the name of its input, and (value, label, whether it is chosen)."""

    function: Function
    name: str
    choices: list[tuple[str, str, bool]]


@dataclass(frozen=True)
class ToolCard:
    """A tool as the page shows it.

    A blank one, of which nothing is chosen, differs between agents in its link to their services only.
    """

    entry: ToolEntry
    chosen: bool
    settings: list[SettingInput]
    permissions: list[PermissionInput]
    rules_name: str
    rules: str
    is_blank: bool = False

    @property
    def words(self) -> str:
        """Return what a search finds the card by."""
        names = " ".join(function.name for function in self.entry.functions)
        return f"{self.entry.tool.label} {names} {self.entry.summary} {self.entry.may_words}".lower()


def tool_cards(
    chosen: Collection[str], settings: Mapping[str, Any], permissions: Mapping[str, Any]
) -> list[ToolCard]:
    """Return a card for each tool of the catalogue."""
    touched = {
        *chosen,
        *(tool for tool in settings if settings[tool]),
        *map(tool_of, permissions),
        *permissions,
    }
    return [
        _card(entry, entry.tool.value in chosen, settings, permissions)
        if entry.tool.value in touched or entry.tool == Tool.WEB_SEARCH  # holds a form of its page
        else blank_card(entry.tool.value)
        for entry in CATALOGUE.values()
    ]


@cache
def blank_card(tool: str) -> ToolCard:
    """Return the card of a tool of which nothing is chosen."""
    return replace(_card(CATALOGUE[tool], False, {}, {}), is_blank=True)


def _card(
    entry: ToolEntry, chosen: bool, settings: Mapping[str, Any], permissions: Mapping[str, Any]
) -> ToolCard:
    tool = entry.tool.value
    given = settings.get(tool)
    values = given if isinstance(given, Mapping) else {}
    rules = {
        name: [str(line) for line in lines] for name, lines in permissions.items() if isinstance(lines, list)
    }
    return ToolCard(
        entry=entry,
        chosen=chosen,
        settings=[
            SettingInput(setting, f"tool_settings.{tool}.{setting.name}", _shown(setting, values))
            for setting in entry.settings
        ],
        permissions=[_permission(function, rules) for function in _functions(tool, values) if entry.may],
        rules_name=f"permissions.{tool}.rules",
        rules="\n".join(patterns_for(rules, tool)),
    )


def _functions(tool: str, values: Mapping[str, Any]) -> list[Function]:
    try:
        return functions_of(tool, clean_settings({tool: values}).get(tool, {}))
    except ValidationError:
        # The form says what is wrong with the settings.
        return functions_of(tool, {})


def _shown(setting: Setting, values: Mapping[str, Any]) -> Any:
    value = values.get(setting.name)
    if setting.kind == "services":
        return value if isinstance(value, str) else json.dumps(value or [])
    return "\n".join(map(str, value)) if isinstance(value, list) else "" if value is None else value


def _permission(function: Function, rules: Mapping[str, list[str]]) -> PermissionInput:
    chosen = choice_for(rules, function.name)
    usual = "asks, because it writes" if function.asks else "runs"
    if function.name in SETTING:
        usual = "each as it says below"
    labels = (("", f"As usual: {usual}"), (ALLOW, "Allow"), (ASK, "Ask a person"), (DENY, "Deny"))
    choices = [(value, label, value == chosen) for value, label in labels]
    return PermissionInput(function, f"permissions.{function.name}", choices)

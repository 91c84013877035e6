"""The settings of tools, as agent.json has them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from django.core.exceptions import ValidationError

from .catalogue import CATALOGUE
from .entries import Setting

Settings = dict[str, dict[str, Any]]


def clean_settings(given: Any) -> Settings:
    """Return the settings by tool without those that are empty.

    Raises ValidationError for an unknown tool or setting, or a value that does not fit.
    """
    if not isinstance(given, Mapping):
        raise ValidationError("Give the settings by tool.")
    cleaned: Settings = {}
    for name, values in given.items():
        entry = CATALOGUE.get(str(name))
        if entry is None or not isinstance(values, Mapping):
            raise ValidationError(f"There are no settings for “{str(name)[:80]}”.")
        known = {setting.name: setting for setting in entry.settings}
        if unknown := sorted(map(str, set(values) - set(known))):
            raise ValidationError(f"{entry.tool.label} has no setting “{unknown[0][:80]}”.")
        kept = {key: _value(known[key], entry.tool.label, value) for key, value in values.items()}
        if kept := {key: value for key, value in sorted(kept.items()) if value}:
            cleaned[entry.tool.value] = kept
    return dict(sorted(cleaned.items()))


def _value(setting: Setting, label: str, value: Any) -> Any:
    try:
        return setting.clean(value)
    except ValidationError as error:
        raise ValidationError(f"{label}: {error.messages[0]}") from error


def missing_settings(tools: Collection[str], settings: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return a sentence for each setting that the chosen tools need and do not have."""
    return [
        f"{entry.tool.label}: {setting.required}"
        for entry in CATALOGUE.values()
        if entry.tool.value in tools
        for setting in entry.settings
        if setting.required and _is_missing(setting, settings.get(entry.tool.value, {}))
    ]


def _is_missing(setting: Setting, values: Mapping[str, Any]) -> bool:
    return not values.get(setting.name) and setting.is_required(values)

"""Form fields for what belongs to tools: their settings, and the permissions of their calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from django import forms

from agentforge.openapi.schemas import ANYTHING, STRING, array, mapping
from configs.tools.catalogue import CATALOGUE, tool_of
from configs.tools.permissions import clean_permissions
from configs.tools.services import words_of_service
from configs.tools.settings import clean_settings


class _NestedWidget(forms.Widget):
    """Reads one mapping from many inputs; a script sends it whole. The page's template draws the inputs."""

    def value_omitted_from_data(self, data: Mapping[str, Any], files: Any, name: str) -> bool:
        return False


class _SettingsWidget(_NestedWidget):
    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        if name in data:
            return data[name]
        return {
            tool: {setting.name: data.get(f"{name}.{tool}.{setting.name}") for setting in entry.settings}
            for tool, entry in CATALOGUE.items()
            if entry.settings
        }


class _PermissionsWidget(_NestedWidget):
    def value_from_datadict(self, data: Mapping[str, Any], files: Any, name: str) -> Any:
        if name in data:
            return data[name]
        rules: dict[str, list[str]] = {}
        for tool in CATALOGUE:
            lines = [line for line in str(data.get(f"{name}.{tool}.rules", "")).splitlines() if line.strip()]
            rules.setdefault(tool, []).extend(lines)
        for key in data:
            function = key.removeprefix(f"{name}.")
            if function != key and tool_of(function) and (choice := str(data.get(key, ""))):
                rules.setdefault(function, []).insert(0, choice)
        return rules


class MappingField(forms.Field):
    """A mapping by tool; `words` describes one in a sentence for people."""

    # What a document may hold, beside what its JSON Schema says.
    takes: ClassVar = (dict,)
    wanted: ClassVar = "must be a mapping by tool"
    json_schema: ClassVar[Mapping[str, Any]]

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.to_python(data) != (initial or {}))
        except forms.ValidationError:
            return True

    def words(self, value: Any) -> str:
        return "; ".join(_flat(value))


class ToolSettingsField(MappingField):
    widget = _SettingsWidget
    json_schema = mapping(mapping(ANYTHING))

    def to_python(self, value: Any) -> dict[str, dict[str, Any]]:
        return clean_settings({} if value in (None, "") else value)


class PermissionsField(MappingField):
    widget = _PermissionsWidget
    json_schema = mapping(array(STRING))

    def to_python(self, value: Any) -> dict[str, list[str]]:
        return clean_permissions({} if value in (None, "") else value)


def _flat(value: Mapping[str, Any]) -> list[str]:
    """Return "fetch hosts example.org, example.com" for each entry of a mapping by tool."""
    sentences = []
    for name, inner in value.items():
        entries = inner.items() if isinstance(inner, Mapping) else [("", inner)]
        for key, given in entries:
            text = ", ".join(map(_word, given)) if isinstance(given, list) else str(given)
            words = "on" if given is True else text
            sentences.append(" ".join(filter(None, (name, key.replace("_", " "), words))))
    return sentences


def _word(value: Any) -> str:
    return words_of_service(value) if isinstance(value, Mapping) else str(value)

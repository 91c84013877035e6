"""Write plain inputs without a template: docs/decisions/0102-own-form-renderer.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from html import escape
from typing import Any

from django.forms.renderers import DjangoTemplates
from django.http import HttpRequest
from django.utils.safestring import SafeData

Widget = Mapping[str, Any]
# What a template writes as `str` does, and never calls.
_PLAIN = (str, int, float, Decimal)


class FormRenderer(DjangoTemplates):
    """Write inputs, text areas and selects as Django's own templates do."""

    def render(self, template_name: str, context: dict[str, Any], request: HttpRequest | None = None) -> str:
        if (write := _WRITERS.get(template_name)) is not None:
            try:
                return write(context["widget"])
            except _LeftToDjangoError:
                pass
        return super().render(template_name, context, request)


class _LeftToDjangoError(Exception):
    """A value of a kind that Django's templates treat in a way of their own, such as one to call."""


def _text(value: object) -> str:
    """Return a value as the filter `stringformat:'s'` and autoescaping leave it."""
    if isinstance(value, SafeData):
        return str(value)
    if isinstance(value, _PLAIN) or value is None:
        return escape(str(value))
    raise _LeftToDjangoError


def _plain(value: object) -> str:
    """Return a text as autoescaping leaves it; numbers would be localized."""
    if isinstance(value, str):
        return _text(value)
    raise _LeftToDjangoError


def _attributes(attributes: Mapping[str, object]) -> str:
    parts = [
        f" {_plain(name)}" if value is True else f' {_plain(name)}="{_text(value)}"'
        for name, value in attributes.items()
        if value is not False
    ]
    return "".join(parts)


def _input(widget: Widget) -> str:
    value = "" if widget["value"] is None else f' value="{_text(widget["value"])}"'
    attributes = _attributes(widget["attrs"])
    return f'<input type="{_plain(widget["type"])}" name="{_plain(widget["name"])}"{value}{attributes}>'


def _input_option(widget: Widget) -> str:
    if widget["wrap_label"]:
        raise _LeftToDjangoError
    return _input(widget)


def _text_area(widget: Widget) -> str:
    value = _plain(widget["value"] or "")
    return f'<textarea name="{_plain(widget["name"])}"{_attributes(widget["attrs"])}>\n{value}</textarea>'


def _select(widget: Widget) -> str:
    lines = [f'<select name="{_plain(widget["name"])}"{_attributes(widget["attrs"])}>']
    for group, options, _index in widget["optgroups"]:
        if group or any(option["template_name"] != _OPTION for option in options):
            raise _LeftToDjangoError
        lines += [f"  {_option(option)}" for option in options]
    return "\n".join([*lines, "</select>"])


def _option(option: Widget) -> str:
    attributes = _attributes(option["attrs"])
    return f'<option value="{_text(option["value"])}"{attributes}>{_plain(option["label"])}</option>\n'


_FOLDER = "django/forms/widgets"
_OPTION = f"{_FOLDER}/select_option.html"
_INPUTS = (
    "checkbox", "color", "date", "datetime", "email", "file", "hidden", "input", "number", "password",
    "search", "tel", "text", "time", "url",
)  # fmt: skip
_WRITERS: dict[str, Callable[[Widget], str]] = {
    **{f"{_FOLDER}/{name}.html": _input for name in _INPUTS},
    **{
        f"{_FOLDER}/{name}.html": _input_option
        for name in ("checkbox_option", "input_option", "radio_option")
    },
    f"{_FOLDER}/textarea.html": _text_area,
    f"{_FOLDER}/select.html": _select,
}

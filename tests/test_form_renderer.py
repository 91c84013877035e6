"""Our form renderer writes what Django's own does, for every widget and for awkward values."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any
from unittest.mock import patch

import pytest
from django import forms
from django.forms.renderers import DjangoTemplates, get_default_renderer
from django.utils.functional import lazystr
from django.utils.safestring import mark_safe
from django.utils.translation import override

from agentforge.form_renderer import FormRenderer
from configs.choices import Tab

OURS, DJANGO = FormRenderer(), DjangoTemplates()
AWKWARD = "\"<b> & 'x'\n  é\u2028"
VALUES = [
    None,
    "",
    "1",
    AWKWARD,
    mark_safe("<i>&amp;</i>"),
    0,
    1,
    1234.5,
    True,
    False,
    [],
    ["1", AWKWARD],
    Tab.KEYS,
]
ATTRIBUTES: list[dict[str, Any]] = [
    {},
    {"id": "id_x", "class": "a b", "required": True, "disabled": False, "data-none": None},
    {
        "title": AWKWARD,
        "data-n": 1,
        "data-f": 1234.5,
        "data-zero": 0,
        "data-empty": "",
        "data-safe": mark_safe("<&"),
    },
    {"data-lazy": lazystr("<lazy>"), "id": "x"},
    {"data-called": lambda: "<called>", "data-tuple": (1, "<"), "data-choice": Tab.KEYS, 'data-"<': "name"},
]
CHOICES: list[Any] = [
    ("", "None"),
    ("1", AWKWARD),
    (2, mark_safe("<b>2</b>")),
    (None, lazystr("<x>")),
    (Tab.KEYS, 3),
]
GROUPED: list[Any] = [("Group <a>", [("1", "One"), ("2", "Two")]), ("3", "Three")]


def widgets() -> Iterator[forms.Widget]:
    for name in forms.widgets.__all__:
        kind = getattr(forms, name)
        if not (isinstance(kind, type) and issubclass(kind, forms.Widget)) or kind in (
            forms.Widget,
            forms.MultiWidget,
        ):
            continue
        if issubclass(kind, forms.widgets.ChoiceWidget) and kind is not forms.NullBooleanSelect:
            yield kind(choices=CHOICES)
            yield kind(choices=CHOICES[:2])
            yield kind(choices=GROUPED)
        else:
            yield kind()
    yield forms.PasswordInput(render_value=True)
    yield forms.DateInput(format="%d.%m.%Y")


def written(widget: forms.Widget, value: Any, attributes: dict[str, Any], renderer: Any) -> str:
    try:
        return str(widget.render("a<b", value, attributes, renderer=renderer))
    except (TypeError, AttributeError, ValueError) as problem:
        # Not every widget takes every value.
        return repr(problem)


@pytest.mark.parametrize("widget", list(widgets()), ids=lambda widget: type(widget).__name__)
@pytest.mark.parametrize("localized", [False, True])
def test_every_widget_is_written_as_django_writes_it(widget: forms.Widget, localized: bool) -> None:
    widget.is_localized = localized
    for language in ("en", "de"):
        with override(language):
            for value in VALUES:
                for attributes in ATTRIBUTES:
                    ours = written(widget, value, attributes, OURS)
                    assert ours == written(widget, value, attributes, DJANGO), (value, attributes)


@pytest.mark.parametrize("kind", [forms.RadioSelect, forms.CheckboxSelectMultiple, forms.Select])
@pytest.mark.parametrize("wrapped", [False, True])
def test_every_choice_is_written_as_django_writes_it(kind: type[forms.RadioSelect], wrapped: bool) -> None:
    def tags(renderer: Any) -> list[str]:
        class Form(forms.Form):
            chosen = forms.ChoiceField(choices=[*CHOICES, *GROUPED], widget=kind(ATTRIBUTES[1]))

        form = Form({"chosen": AWKWARD}, renderer=renderer)
        return [str(choice.tag(wrap_label=wrapped)) for choice in form["chosen"]]

    assert tags(OURS) == tags(DJANGO)


def test_an_option_with_a_template_of_its_own_keeps_it() -> None:
    class Own(forms.Select):
        option_template_name = "django/forms/widgets/input_option.html"

    widget = Own(choices=CHOICES[:2])
    ours = written(widget, "1", {}, OURS)
    assert "<input" in ours
    assert ours == written(widget, "1", {}, DJANGO)


def test_plain_inputs_read_no_template() -> None:
    """Without this, a renderer that leaves everything to Django would pass the other tests."""

    class Form(forms.Form):
        name = forms.CharField(max_length=9, help_text="x")
        note = forms.CharField(widget=forms.Textarea)
        kind = forms.ChoiceField(choices=[("a", "A")])
        cost = forms.DecimalField(min_value=Decimal("0.01"), decimal_places=2)
        card = forms.ChoiceField(choices=[("a", "A")], widget=forms.RadioSelect)

    renderer = get_default_renderer()
    assert isinstance(renderer, FormRenderer)
    form = Form({"name": 'a"b', "note": "<"})
    with patch.object(renderer, "get_template", side_effect=AssertionError("a template was read")):
        assert '<input type="text" name="name" value="a&quot;b" maxlength="9"' in str(form["name"])
        assert "\n&lt;</textarea>" in str(form["note"])
        assert ' min="0.01" step="0.01"' in str(form["cost"])
        assert '<option value="a">A</option>' in str(form["kind"])
        assert '<input type="radio" name="card" value="a"' in form["card"][0].tag()

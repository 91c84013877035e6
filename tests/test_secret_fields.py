"""Password managers offer a stored password only where people sign in."""

from __future__ import annotations

import importlib
from collections.abc import Iterator

from django import forms

from .drivers.forge import ROOT

FOLDERS = ("agentforge", "builds", "configs", "deployments")


def is_own_password(form: type[forms.BaseForm], name: str) -> bool:
    """Return whether people enter the password of their account here."""
    return form.__module__.startswith("agentforge.accounts.") and (form.__name__, name) in {
        ("SignInForm", "password"),
        (form.__name__, "current"),
    }


def form_classes(base: type[forms.BaseForm] = forms.BaseForm) -> Iterator[type[forms.BaseForm]]:
    for form in base.__subclasses__():
        yield form
        yield from form_classes(form)


def test_login_passwords_are_offered_only_where_people_sign_in() -> None:
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        if "forms" in str(path.relative_to(ROOT)):
            importlib.import_module(
                ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
            )
    seen = set()
    for form in form_classes():
        for name, field in form.base_fields.items() if hasattr(form, "base_fields") else ():
            if isinstance(field.widget, forms.PasswordInput) and not form.__module__.startswith("django."):
                place = (form.__name__, name)
                seen.add(place)
                expected = "current-password" if is_own_password(form, name) else "new-password"
                assert field.widget.attrs.get("autocomplete") == expected, place
    assert {("SignInForm", "password"), ("PasswordForm", "current")} <= seen

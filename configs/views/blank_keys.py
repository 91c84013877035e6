"""What pages show of a provider without a key: the same for everybody, so written once in a process.

Nothing of a user or a request goes in: neither context processors nor a saved key.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from django.template.loader import render_to_string

from configs.forms.stored_key import KeyForm, NewKeyForm
from configs.models import DEFAULT_KEY_NAME
from configs.providers import Provider


@dataclass(frozen=True)
class BlankKeyForm:
    """A form for a key in which nothing was entered, with its fields as HTML."""

    provider: Provider
    written: str
    errors: tuple[str, ...] = ()


@cache
def blank_form(provider: Provider) -> BlankKeyForm:
    """Return the form for the first key of a provider, or to replace one without a base URL."""
    return _blank(KeyForm(provider=provider))


@cache
def blank_new_form(provider: Provider, *, is_first: bool) -> BlankKeyForm:
    """Return the form for a named key; the usual name stands in that of the first one."""
    return _blank(NewKeyForm(provider=provider, taken=() if is_first else (DEFAULT_KEY_NAME,)))


@cache
def blank_head(provider: Provider) -> str:
    """Return what a row says of a provider that is offered and has no key, as HTML."""
    row = {"provider": provider, "state": "pending", "word": "No key"}
    return render_to_string("configs/_key_head.html", {"row": row})


def _blank(form: KeyForm) -> BlankKeyForm:
    return BlankKeyForm(form.provider, render_to_string("configs/_key_fields.html", {"form": form}))

"""A field that was left empty is asked for in words, not with Django's sentence."""

from __future__ import annotations

from typing import Any

import pytest
from django import forms

from configs.forms import CapabilitiesForm, IdentityForm
from configs.forms.agents import DeleteForm
from configs.forms.stored_key import KeyForm, RenameForm
from deployments.accounts.forms import ConnectForm
from deployments.forms import DeleteSiteForm, NewSiteForm

FORMS = [
    CapabilitiesForm,
    ConnectForm,
    DeleteSiteForm,
    IdentityForm,
    KeyForm,
    NewSiteForm,
    RenameForm,
    DeleteForm,
]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.__name__)
def test_what_is_missing_is_said(form: Any) -> None:
    typed = (forms.CharField, forms.IntegerField)
    fields = form(handle="ada").fields if form is DeleteForm else form.base_fields
    messages = [
        field.error_messages["required"]
        for field in fields.values()
        if field.required and isinstance(field, typed)
    ]
    assert messages
    assert "This field is required." not in messages

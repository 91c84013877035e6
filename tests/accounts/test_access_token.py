from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from agentforge.accounts.models import LocalIdentity

pytestmark = pytest.mark.django_db


def test_a_script_gets_in_with_it() -> None:
    LocalIdentity.objects.create(email="ada@example.com", password="!")
    printed = StringIO()
    call_command("access_token", "Ada@example.com", stdout=printed)
    bearer = f"Bearer {printed.getvalue().strip()}"
    assert Client().get("/agents/", headers={"Authorization": bearer}).status_code == 200


def test_an_unknown_address_is_said() -> None:
    with pytest.raises(CommandError, match=r"Nobody has signed up as ada@example\.com"):
        call_command("access_token", "ada@example.com")

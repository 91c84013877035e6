from __future__ import annotations

import pytest
from django.test import Client

from agentforge.accounts.models import User
from tests.drivers import people

pytestmark = pytest.mark.django_db


def test_a_browser_keeps_its_theme(alice: User) -> None:
    client = Client()
    people.sign_in(client, alice)
    assert "data-theme" not in client.get("/accounts/").content.decode()
    for theme in ("dark", "light"):
        assert client.post("/accounts/theme/", {"theme": theme})["Location"] == "/accounts/"
        assert f'data-theme="{theme}"' in client.get("/agents/").content.decode()
    refused = client.post("/accounts/theme/", {"theme": "x"}, follow=True)
    assert "There is no such theme" in refused.content.decode()
    client.post("/sign-out/")
    assert 'data-theme="light"' in client.get("/sign-in/").content.decode()
    people.sign_in(client, alice)
    client.post("/accounts/theme/", {"theme": "auto"})
    assert "data-theme" not in client.get("/accounts/").content.decode()

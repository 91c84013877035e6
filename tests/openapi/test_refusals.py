"""Scripts read of every error in one shape, whichever part of Django answered; people get pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from agentforge.accounts.models import User

JSON = {"Accept": "application/json"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def hers(client_of: Callable[[User], Client], alice: User) -> Client:
    return client_of(alice)


def told(response: Any, status: int) -> str:
    assert (response.status_code, response["Content-Type"]) == (status, "application/problem+json")
    assert response.json()["status"] == status
    return str(response.json()["detail"])


def test_unknown_address_and_row(hers: Client) -> None:
    assert told(hers.get("/nowhere/", headers=JSON), 404) == told(hers.get("/builds/1/", headers=JSON), 404)


def test_wrong_method_keeps_what_is_allowed(hers: Client) -> None:
    response = hers.put("/builds/", headers=JSON)
    assert told(response, 405) == "This URL accepts only GET, HEAD."
    assert response["Allow"] == "GET, HEAD"


def test_a_cookie_without_a_csrf_token(hers: Client) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = hers.cookies
    assert "CSRF token" in told(strict.post("/agents/new/", headers=JSON), 403)


def test_a_breakdown(hers: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*args: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("builds.views.pages.build_json", break_down)
    monkeypatch.setattr("configs.agent_list.reports_of", break_down)
    hers.raise_request_exception = False
    assert told(hers.get("/agents/", headers=JSON), 500) == "Something went wrong here. Nothing was changed."


def test_people_get_pages(hers: Client) -> None:
    assert "Page not found" in hers.get("/nowhere/").content.decode()

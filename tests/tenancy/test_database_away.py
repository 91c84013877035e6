"""While the database is away, people and scripts are told so, signed in or not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client

from agentforge.accounts import api_tokens
from agentforge.accounts.models import User
from tests.drivers.html_tree import read_html


@pytest.fixture(params=["visitor", "signed in"])
def browser(request: pytest.FixtureRequest, alice: User, client_of: Callable[[User], Client]) -> Client:
    return Client() if request.param == "visitor" else client_of(alice)


@pytest.fixture
def away(
    transactional_db: None, browser: Client, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[None]:
    """Nothing listens where the database was, once somebody has signed in."""
    connection.close()
    options = {name: value for name, value in connection.settings_dict["OPTIONS"].items() if name != "pool"}
    with monkeypatch.context() as moved:
        # A pool waits half a minute for the database.
        moved.setitem(connection.settings_dict, "OPTIONS", options)
        moved.setitem(connection.settings_dict, "HOST", str(tmp_path))
        yield
    connection.close()


@pytest.mark.parametrize("path", ["/agents/?shown=all", "/", "/accounts/recovery/"])
def test_a_page_says_so_and_leads_back(away: None, browser: Client, path: str) -> None:
    response = browser.get(path)
    assert (response.status_code, response["Retry-After"]) == (503, "10")
    assert response["Content-Type"].startswith("text/html")
    page = read_html(response.content.decode())
    text = page.first("main").text
    assert "The database does not answer. Nothing was changed." in text
    assert page.first("main").first("a")["href"] == path
    # Nobody knows at present who is signed in.
    assert "Sign in" not in page.text
    assert "Sign up" not in page.text


def test_what_was_sent_is_not_sent_again_by_a_link(away: None, browser: Client) -> None:
    response = browser.post("/agents/new/", {"name": "Ada"})
    assert response.status_code == 503
    links = [link["href"] for link in read_html(response.content.decode()).first("main").all("a")]
    assert links == ["/"]


def test_a_script_gets_a_problem(away: None, browser: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR):
        response = browser.get("/agents/", headers={"Accept": "application/json"})
    assert response["Content-Type"] == "application/problem+json"
    assert response["Retry-After"] == "10"
    assert "database does not answer" in response.json()["detail"]
    assert [record for record in caplog.records if record.exc_info] == [], "no traceback for each request"


def test_a_token_is_not_called_wrong(away: None) -> None:
    token = f"{api_tokens.PREFIX}{'a' * 43}"
    script = Client(headers={"Authorization": f"Bearer {token}", "Accept": "application/json"})
    assert script.get("/agents/").status_code == 503

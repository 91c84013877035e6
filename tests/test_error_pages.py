"""Errors are answered by our own pages, with DEBUG on as well: `make run` has it on."""

from __future__ import annotations

import logging

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.models import User

from .drivers.people import sign_in

FORM = "application/x-www-form-urlencoded; charset=utf-16"


@pytest.fixture(params=[True, False], ids=["debug", "production"])
def browser(request: pytest.FixtureRequest, settings: LazySettings, alice: User) -> Client:
    settings.DEBUG = request.param
    client = Client(raise_request_exception=False)
    sign_in(client, alice)
    return client


@pytest.mark.parametrize("path", ["/nothing-here/", "/agents/99999999999999999999/identity/", "/builds/7/"])
def test_not_found(browser: Client, path: str) -> None:
    response = browser.get(path)
    page = response.content.decode()
    assert response.status_code == 404
    assert "Page not found" in page
    assert "urlpatterns" not in page and "URLconf" not in page
    assert "default-src 'self'" in response["Content-Security-Policy"]


def test_a_missing_slash_is_still_added(browser: Client) -> None:
    assert browser.get("/agents")["Location"] == "/agents/"


def test_a_body_that_cannot_be_read_is_400(browser: Client) -> None:
    response = browser.post("/agents/new/", "name=x", content_type=FORM)
    assert response.status_code == 400
    assert "can't be understood" in response.content.decode()


def test_malformed_json_is_400_in_few_bytes(browser: Client) -> None:
    response = browser.post("/agents/new/", "{", content_type="application/json", headers={"accept": "*/*"})
    assert response.status_code == 400
    assert len(response.content) < 20_000


@pytest.mark.parametrize("accept", ["text/html", "application/json", "text/plain"])
def test_a_fault_shows_an_id_that_the_log_has_and_nothing_else(
    browser: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, accept: str
) -> None:
    def broken(self: object, user: User) -> None:
        secret = "sk-planted-in-a-local-variable"
        raise RuntimeError(secret[:2])

    monkeypatch.setattr("agentforge.tenancy.querysets.OwnedQuerySet.owned_by", broken)
    with caplog.at_level(logging.ERROR):
        response = browser.get("/agents/", headers={"accept": accept, "x-request-id": "seen-by-ada"})
    page = response.content.decode()
    assert response.status_code == 500
    assert "Something" in page and response["X-Request-ID"] == "seen-by-ada"
    assert "sk-planted" not in page and "Traceback" not in page
    (logged,) = [record for record in caplog.records if record.exc_info]
    assert "RuntimeError" in str(logged.exc_info)
    assert "seen-by-ada" in page and "seen-by-ada" in logged.getMessage()


def test_an_address_that_takes_a_form_says_so(browser: Client) -> None:
    response = browser.get("/sign-out/")
    assert (response.status_code, response["Allow"]) == (405, "POST")
    assert "Go back, and use the form" in response.content.decode()
    reply = browser.get("/sign-out/", headers={"accept": "application/json"})
    assert (reply.status_code, reply.json()["detail"]) == (405, "This URL accepts only POST.")

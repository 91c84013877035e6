"""Connect an account through Netlify's OAuth, and disconnect it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
import time_machine
from django.core.checks import run_checks
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from builds.models import Build
from configs.keys import vault
from configs.models import AgentConfig, ApiKey
from deployments import services
from deployments.accounts import oauth as oauth_flow
from deployments.models import Connection, Site
from tests.deployments.views.test_pages import JSON, address, ask, text
from tests.drivers import people
from tests.standins.netlify import NetlifyStandIn, oauth

pytestmark = pytest.mark.django_db(transaction=True)
BACK = "http://testserver/deployments/netlify/"


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


@pytest.fixture
def his(bob: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(bob)


@pytest.fixture
def application(netlify: NetlifyStandIn, settings: Settings) -> NetlifyStandIn:
    """The forge is registered at Netlify as an OAuth application."""
    settings.NETLIFY_CLIENT_ID, settings.NETLIFY_CLIENT_SECRET = oauth.CLIENT_ID, oauth.CLIENT_SECRET
    settings.AGENTFORGE_NETLIFY_AUTHORIZE_URL = netlify.oauth.authorize_url
    netlify.oauth.register(BACK)
    return netlify


def go(browser: Client, agent: AgentConfig) -> str:
    """Press the button, and return the URL at Netlify that the page leads to."""
    response = browser.post(address("authorize", agent.pk))
    seconds, _, url = response["Refresh"].partition("; url=")
    assert seconds == "0"
    assert url.replace("&", "&amp;") in response.content.decode()
    return url


def consent(url: str, answer: str = "Authorize") -> str:
    """Submit Netlify's page as a browser does, and return the forge's URL that it redirects to."""
    assert httpx.get(url).status_code == 200
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    form = {"answer": answer, "redirect_uri": query["redirect_uri"], "state": query["state"]}
    location: str = httpx.post(url.partition("?")[0], data=form).headers["location"]
    assert location.startswith(BACK)
    return location


def back(browser: Client, location: str) -> tuple[str, str]:
    """Follow the redirect from Netlify, and return the final URL and its message."""
    response: Any = browser.get(location, follow=True)
    (to, status), *more = response.redirect_chain
    assert (status, more, response.status_code) == (302, [], 200)
    return to, " ".join(str(message) for message in response.context["messages"])


def exchanges(netlify: NetlifyStandIn) -> int:
    return sum(asked.path == "/oauth/token" for asked in netlify.asked)


def test_consent_connects_and_the_token_is_nowhere_but_in_the_vault(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    assert "Connect with Netlify" in text(browser, address("agent", agent.pk))
    url = go(browser, agent)
    query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    state = query.pop("state")
    assert len(state) >= 43
    assert query == {"client_id": oauth.CLIENT_ID, "response_type": "code", "redirect_uri": BACK}
    location = consent(url)
    to, message = back(browser, location)
    assert to == address("agent", agent.pk)
    assert message == "Connected as Ada Lovelace. Teams: Team One, Team Two."
    connection = Connection.objects.get()
    assert vault.reveal(connection.key, "a test") == application.token
    assert (connection.who, len(connection.teams)) == ("Ada Lovelace", 2)
    page = text(browser, to)
    assert "Ada Lovelace" in page
    for secret in (application.token, oauth.CLIENT_SECRET):
        assert secret not in page + caplog.text + location + str(list(AuditEvent.objects.values()))
    session = str(dict(browser.session))
    assert application.token not in session
    assert state not in session


def test_an_answer_counts_once(browser: Client, agent: AgentConfig, application: NetlifyStandIn) -> None:
    location = consent(go(browser, agent))
    back(browser, location)
    before = Connection.objects.get().checked_at
    to, message = back(browser, location)
    assert to == address("agent", agent.pk)
    assert "was used before" in message
    assert exchanges(application) == 1
    assert Connection.objects.get().checked_at == before


def test_an_answer_for_another_session_connects_nobody(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn, his: Client
) -> None:
    location = consent(go(browser, agent))
    to, message = back(his, location)
    assert to == reverse("deployments:list")
    assert "No consent is pending" in message
    assert exchanges(application) == 0
    assert not Connection.objects.exists()
    # Her state is still valid: he could not use it up.
    assert back(browser, location)[1].startswith("Connected")


def test_whoever_signs_in_next_in_a_browser_does_not_go_on(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn, his: Client
) -> None:
    location = consent(go(browser, agent))
    mixed = his.session
    mixed["netlify consent"] = browser.session["netlify consent"]
    mixed.save()
    to, message = back(his, location)
    assert (to, exchanges(application)) == (reverse("deployments:list"), 0)
    assert "No consent is pending" in message


@pytest.mark.parametrize("query", ["state=forged&code=stolen", "code=stolen", "state=&code=stolen", ""])
def test_a_forged_answer_is_refused_and_ends_the_attempt(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn, query: str
) -> None:
    location = consent(go(browser, agent))
    to, message = back(browser, f"{BACK}?{query}")
    assert to == address("agent", agent.pk)
    assert "belongs to another attempt" in message
    assert "was used before" in back(browser, location)[1]
    assert exchanges(application) == 0


def test_an_answer_that_comes_late_is_void(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn
) -> None:
    location = consent(go(browser, agent))
    with time_machine.travel(timezone.now() + timedelta(seconds=oauth_flow.SECONDS_TO_CONSENT + 1)):
        _, message = back(browser, location)
    assert "longer than ten minutes" in message
    assert exchanges(application) == 0


def test_a_denied_consent_is_said(browser: Client, agent: AgentConfig, application: NetlifyStandIn) -> None:
    to, message = back(browser, consent(go(browser, agent), "Deny"))
    assert (to, exchanges(application)) == (address("agent", agent.pk), 0)
    assert message == "Access was denied at Netlify. An account connected earlier stays connected."


def test_what_netlify_says_is_not_repeated_beyond_its_word(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn
) -> None:
    go(browser, agent)
    state = browser.session["netlify consent"]["state"]
    _, message = back(browser, f"{BACK}?state={state}&error=server_error&error_description=Call+555")
    assert "sent no code, server_error." in message
    assert "555" not in message
    go(browser, agent)
    state = browser.session["netlify consent"]["state"]
    _, message = back(browser, f"{BACK}?state={state}&error=Send+your+token+to+evil.example")
    assert "evil" not in message


def test_a_refused_code_is_said(browser: Client, agent: AgentConfig, application: NetlifyStandIn) -> None:
    location = consent(go(browser, agent))
    application.oauth.codes.clear()
    to, message = back(browser, location)
    assert to == address("agent", agent.pk)
    assert "Netlify refused the code (400, invalid_grant)" in message
    assert not Connection.objects.exists()


def test_a_wrong_secret_is_the_operators_to_mend(
    browser: Client,
    agent: AgentConfig,
    application: NetlifyStandIn,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.NETLIFY_CLIENT_SECRET = "not-the-secret-0123456789"
    _, message = back(browser, consent(go(browser, agent)))
    assert "Netlify does not recognize this forge (401, invalid_client)" in message
    assert "NETLIFY_CLIENT_SECRET" in caplog.text
    assert settings.NETLIFY_CLIENT_SECRET not in caplog.text + message


def test_an_exchange_that_is_not_answered_is_said(
    browser: Client, agent: AgentConfig, application: NetlifyStandIn, settings: Settings
) -> None:
    location = consent(go(browser, agent))
    settings.AGENTFORGE_NETLIFY_URL = "http://127.0.0.1:9/api/v1"
    _, message = back(browser, location)
    assert "127.0.0.1 could not be reached." in message
    assert not Connection.objects.exists()


def test_without_an_application_only_tokens_are_offered(
    browser: Client, agent: AgentConfig, netlify: NetlifyStandIn
) -> None:
    assert "Connect with Netlify" not in text(browser, address("agent", agent.pk))
    page: Any = browser.post(address("authorize", agent.pk), follow=True)
    assert "is not set up here" in page.content.decode()
    assert browser.get(address("authorize", agent.pk)).status_code == 405


def test_the_start_asks_for_the_csrf_token(
    agent: AgentConfig, application: NetlifyStandIn, alice: User
) -> None:
    strict = Client(enforce_csrf_checks=True)
    people.sign_in(strict, alice)
    assert strict.post(address("authorize", agent.pk)).status_code == 403


def test_half_an_application_is_reported(settings: Settings) -> None:
    def check_ids() -> list[str]:
        return [message.id or "" for message in run_checks() if (message.id or "").startswith("deployments.")]

    assert check_ids() == []
    settings.NETLIFY_CLIENT_ID = "an-id"
    assert check_ids() == ["deployments.E001"]
    [report] = [message for message in run_checks() if message.id == "deployments.E001"]
    assert report.msg.startswith("NETLIFY_CLIENT_SECRET")
    assert reverse("deployments:authorized") in str(report.hint)
    settings.NETLIFY_CLIENT_SECRET = "a-secret"
    assert check_ids() == []
    settings.AGENTFORGE_NETLIFY_AUTHORIZE_URL = "javascript:alert(1)"
    assert check_ids() == ["deployments.E002"]


def test_disconnecting_is_asked_before(
    browser: Client, agent: AgentConfig, site: Site, build: Build, alice: User
) -> None:
    services.enqueue(site, build, alice)
    assert address("disconnect", agent.pk) in text(browser, address("agent", agent.pk))
    page = text(browser, address("disconnect", agent.pk))
    assert "Disconnect Ada Lovelace" in page
    assert "All sites stay online" in page
    assert f'href="{address("agent", agent.pk)}">Ada</a>' in page
    assert "Deployments under way: 1." in page
    assert Connection.objects.count() == 1
    response: Any = browser.post(address("disconnect", agent.pk), follow=True)
    assert "The account is disconnected." in response.content.decode()
    assert not Connection.objects.exists()
    assert not ApiKey.objects.filter(provider="netlify").exists()
    site.refresh_from_db()
    assert site.deleted_at is None
    response = browser.get(address("disconnect", agent.pk), follow=True)
    assert "No account is connected." in response.content.decode()


def test_a_script_disconnects_at_once(browser: Client, agent: AgentConfig, site: Site) -> None:
    response: HttpResponse = ask(browser, address("disconnect", agent.pk))
    assert response.status_code == 200
    assert not Connection.objects.exists()
    assert browser.get(address("agent", agent.pk), headers=JSON).json()["ready"] is False

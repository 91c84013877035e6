"""Calls to other services by whatever library leave one line each: host, outcome, milliseconds."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import requests
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge import outbound
from agentforge.telemetry.outbound_calls import LoggedClient
from builds.artifacts.tus_request import LoggedSession
from tests.standins.mail_sink import MailSink
from tests.standins.server import Answer, Asked, StandIn

from .conftest import Lines

PASSWORD = "correct-horse-battery"


class Service(StandIn):
    """Answers everything alike, or breaks off."""

    def answer(self, asked: Asked) -> Answer:
        return Answer(reset=True) if asked.path.endswith("/broken") else Answer(418)


@pytest.fixture
def service(settings: Settings) -> Iterator[Service]:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with Service() as server:
        yield server


def test_each_client_leaves_one_line_without_address_and_content(service: Service, log_lines: Lines) -> None:
    url = f"{service.origin}/v1/sk-planted?key=sk-planted"
    outbound.fetch("GET", url, headers={"Authorization": "Bearer sk-planted"})
    with LoggedClient() as client:
        client.get(url)
    with LoggedSession() as session:
        session.patch(url, data=b"sk-planted")
    with LoggedSession() as session, pytest.raises(requests.RequestException):
        session.patch(f"{service.origin}/broken")
    with pytest.raises(outbound.Unreachable):
        outbound.fetch("GET", f"{service.origin}/broken")
    with pytest.raises(outbound.RefusedURL):
        outbound.fetch("GET", "http://10.0.0.7/")
    lines = log_lines("agentforge.outbound")
    assert [line["message"] for line in lines] == [
        "GET 127.0.0.1: 418",
        "GET 127.0.0.1: 418",
        "PATCH 127.0.0.1: 418",
        "PATCH 127.0.0.1: ConnectionError",
        "GET 127.0.0.1: Unreachable",
        "GET 10.0.0.7: RefusedURL",
    ]
    assert all(line["ms"] >= 0 for line in lines)
    assert "planted" not in str(log_lines())


@pytest.mark.django_db
def test_a_mail_is_a_line_without_its_reader(client: Client, settings: Settings, log_lines: Lines) -> None:
    client.post("/sign-up/", {"email": "ada@example.com", "password": PASSWORD})
    with MailSink(0) as sink:
        threading.Thread(target=sink.serve_forever, daemon=True).start()
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.server_address[1]
        Client().post(
            "/accounts/recovery/", {"email": "ada@example.com"}, headers={"x-request-id": "forgot-1"}
        )
        sink.shutdown()
    assert [delivery.to for delivery in sink.deliveries] == ["ada@example.com"]
    (line,) = log_lines("agentforge.outbound")
    assert line["message"] == "SMTP 127.0.0.1: sent"
    assert "ada@" not in str(log_lines())

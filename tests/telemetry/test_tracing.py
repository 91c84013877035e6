"""Spans reach a collector: a request, its job and its calls are one trace."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from agentforge.telemetry import tracing
from builds.models import Build
from tests.builds.conftest import agent, browser, build, local_model, work
from tests.drivers.web_process import WebProcess
from tests.standins.otlp import OtlpStandIn

from .conftest import Lines

__all__ = ["agent", "browser", "build", "local_model", "work"]
pytestmark = pytest.mark.django_db(transaction=True)

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def collector() -> Iterator[OtlpStandIn]:
    with OtlpStandIn() as server:
        yield server


def test_a_web_process_sends_its_requests_and_joins_a_trace(collector: OtlpStandIn) -> None:
    headers = "authorization=Basic%20c2VjcmV0"
    with WebProcess(
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.origin,
        OTEL_EXPORTER_OTLP_HEADERS=headers,
        OTEL_SERVICE_NAME="forge-1",
    ) as web:
        given = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        answer = httpx.get(f"{web.url}/sign-in/?code=secret-code", headers=given)
        assert answer.headers["X-Request-ID"] == TRACE
        httpx.get(f"{web.url}/nowhere/", headers={"traceparent": "00-what-01", "X-Request-ID": "mine"})
        assert web.stop() == 0
    span = collector.named("GET sign-in/")
    assert (span["traceId"], span["parentSpanId"], span["kind"]) == (TRACE, PARENT, 2)
    assert span["attributes"]["http.response.status_code"] == "200"
    assert span["resource"]["service.name"] == "forge-1"
    assert collector.named("GET")["attributes"]["request_id"] == "mine"
    assert collector.asked[0].headers["authorization"] == "Basic c2VjcmV0"
    assert b"secret-code" not in b"".join(asked.body for asked in collector.asked)


def test_a_job_and_its_calls_are_in_the_trace_of_the_click(
    build: Build, browser: Client, work: Callable[[], None], collector: OtlpStandIn, settings: Settings
) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = collector.origin
    question = {"content": "Hello?"}
    browser.post(
        f"/agents/{build.revision.agent_id}/try/messages/", question, headers={"x-request-id": TRACE}
    )
    work()
    tracing.flush()
    click = collector.named("POST agents/<int:pk>/try/messages/")
    job = collector.named("builds.answer")
    call = collector.named("CONNECT 127.0.0.1")
    assert {span["traceId"] for span in (click, job, call)} == {TRACE}
    assert call["parentSpanId"] == job["spanId"]
    assert job["attributes"]["queue"] == "trials"


def test_a_collector_that_is_away_costs_a_line(
    client: Client, collector: OtlpStandIn, settings: Settings, log_lines: Lines
) -> None:
    settings.OTEL_EXPORTER_OTLP_ENDPOINT = collector.origin
    collector.status = 503
    assert client.get("/sign-in/").status_code == 200
    tracing.flush()
    (line,) = log_lines("agentforge.telemetry.tracing")
    assert line["message"] == "1 spans were not taken by the collector: HTTPStatusError"


def test_without_a_collector_nothing_is_kept(client: Client, collector: OtlpStandIn) -> None:
    client.get("/sign-in/")
    tracing.flush()
    assert collector.asked == []

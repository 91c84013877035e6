"""An incident is read by one id: from the request over its job and worker to the agent's own words."""

from __future__ import annotations

import socket
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from agentforge.live import streams
from builds import recovery
from builds.execution import transitions
from builds.models import Build, ChatMessage
from builds.services import cancel_build, enqueue_build
from configs.models import AgentConfig
from tests.builds.conftest import agent, browser, build, local_model, work
from tests.standins.openai import OpenAIStandIn

from .conftest import Lines

__all__ = ["agent", "browser", "build", "local_model", "work"]
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_build_is_one_line_at_its_start_and_end_with_the_requests_id(
    agent: AgentConfig, browser: Client, work: Callable[[], None], log_lines: Lines
) -> None:
    browser.post(f"/agents/{agent.pk}/compile/", headers={"x-request-id": "click-1"})
    build = Build.objects.get()
    work()
    started, ended = log_lines("agentforge.jobs", build=build.pk)
    assert {line["request_id"] for line in (started, ended)} == {"click-1"}
    assert {line["host"] for line in (started, ended)} == {socket.gethostname()}
    assert started["worker"] == ended["worker"] == "worker"
    assert (started["event"], started["attempt"], started["waited"] >= 0) == ("started", 1, True)
    assert (ended["event"], ended["outcome"], ended["seconds"] > 0) == ("ended", "succeeded", True)
    events = [record for _, record in streams.read(build.stream_name) if record["kind"] == "status"]
    assert {event["request_id"] for event in events} == {"click-1"}
    asked = AuditEvent.objects.get(action="build-asked")
    assert asked.request_id == "click-1"
    assert log_lines("agentforge.audit", action="build-asked")[0]["request_id"] == "click-1"


def test_a_chat_is_followed_to_the_call_of_its_provider(
    build: Build, browser: Client, work: Callable[[], None], local_model: OpenAIStandIn, log_lines: Lines
) -> None:
    agent = build.revision.agent
    browser.post(
        f"/agents/{agent.pk}/try/messages/", {"content": "Hello?"}, headers={"x-request-id": "ask-1"}
    )
    work()
    answer = ChatMessage.objects.get(role="assistant")
    assert answer.request_id == "ask-1"
    started, ended = log_lines("agentforge.jobs", answer=answer.pk)
    assert (started["request_id"], ended["request_id"]) == ("ask-1", "ask-1")
    (call,) = log_lines("agentforge.outbound", request_id="ask-1")
    assert (call["remote"], call["outcome"], call["ms"] > 0) == ("127.0.0.1", "connected", True)


def test_a_take_over_and_a_cancel_are_lines_too(agent: AgentConfig, alice: User, log_lines: Lines) -> None:
    build = enqueue_build(agent, by=alice)
    build.refresh_from_db()
    assert build.job_id is not None
    transitions.claim(build.pk, build.job_id)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM procrastinate_jobs WHERE id = %s", [build.job_id])
    Build.objects.filter(pk=build.pk).update(request_id="click-2")
    recovery.recover()
    (requeued,) = log_lines("agentforge.jobs", build=build.pk, event="requeued")
    assert requeued["request_id"] == "click-2"
    assert "The worker died" in requeued["message"]
    build.refresh_from_db()
    cancel_build(build, by=alice)
    (asked,) = log_lines("agentforge.jobs", build=build.pk, event="cancel-requested")
    (ended,) = log_lines("agentforge.jobs", build=build.pk, event="ended")
    assert (ended["outcome"], ended["request_id"]) == ("cancelled", "click-2")
    assert asked["message"] == f"Cancel of build {build.pk} requested"


def test_each_sign_in_is_a_line_without_address_or_password(client: Client, log_lines: Lines) -> None:
    account = {"email": "ada@example.com", "password": "correct-horse-battery"}
    client.post("/sign-up/", account)
    client.post("/sign-out/")
    client.post("/sign-in/", account, headers={"x-request-id": "in-1"})
    client.post("/sign-out/")
    client.post("/sign-in/", {**account, "password": "wrong-horse"}, headers={"x-request-id": "in-2"})
    (right,) = log_lines("agentforge.audit", request_id="in-1", action="signed-in")
    assert right["user"] == str(User.objects.get().pk)
    assert log_lines("agentforge.audit", request_id="in-2", action="sign-in-failed")
    assert not [line for line in log_lines() if "ada@" in str(line) or "horse" in str(line)]

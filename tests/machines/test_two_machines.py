"""Two machines with one database, the same secrets and shared directories: all works through either."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import httpx
import pytest

from agentforge.accounts.models import User
from builds.models import Build
from configs.models import AgentConfig
from deployments import services
from deployments.hosts.registry import SELF_HOST
from deployments.models import Deployment
from deployments.sites import lifecycle
from tests.drivers import people
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess
from tests.drivers.web_process import WebProcess
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ARCH = {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
ANSWERS = ("Twice a day.", "Every day.")


class Window:
    """One person's requests to one machine."""

    def __init__(self, web: WebProcess, headers: dict[str, str], client: httpx.Client) -> None:
        self.web, self.headers, self.client = web, headers, client

    def follow(self, stream: str) -> list[dict[str, Any]]:
        """Follow a live stream to its end."""
        records: list[dict[str, Any]] = []
        with self.web.follow(self.headers, stream) as live:
            for event in live:
                records += [record for _, record in event.records]
                if any(record["kind"] == "end" for record in records):
                    break
        return records

    def get(self, path: str) -> httpx.Response:
        answer = self.client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        return answer


@contextmanager
def opened(user: User, *machines: dict[str, str]) -> Iterator[list[Window]]:
    headers = {"Authorization": people.bearer_of(user), "Accept": "application/json"}
    with ExitStack() as stack:
        webs = [stack.enter_context(WebProcess(**machine)) for machine in machines]
        yield [
            Window(
                web,
                headers,
                stack.enter_context(httpx.Client(base_url=web.url, headers=headers, timeout=60)),
            )
            for web in webs
        ]


def test_a_build_a_chat_and_a_deployment_work_through_either(
    agent: AgentConfig,
    alice: User,
    machine: Callable[[str], dict[str, str]],
    local_model: OpenAIStandIn,
) -> None:
    one, two = ({**machine(name), "LOCAL_MODEL_URL": local_model.url} for name in ("one", "two"))
    worker: dict[str, Any] = {"queues": "builds,trials,deployments", "concurrency": 2, **two}
    with opened(alice, one, two) as windows:
        targets = {"targets": ["plugin", f"linux-{ARCH}"]}
        compiled = windows[0].client.post(f"/agents/{agent.pk}/compile/", json=targets).json()
        build = Build.objects.get(pk=compiled["build"]["id"])
        with WorkerProcess(**worker):
            first, second = (window.follow(build.stream_name) for window in windows)
            assert first == second
            assert any("$ go build" in str(record.get("text")) for record in first)
            first_zip, second_zip = (window.get(f"/builds/{build.pk}/download/") for window in windows)
            assert first_zip.content == second_zip.content

            for window, answer in zip(windows, ANSWERS, strict=True):
                local_model.replies.append(Text((answer,)))
                sent = window.client.post(f"/agents/{agent.pk}/try/messages/", json={"content": "When?"})
                wait_for(agent.stream_name, partial(_ends, message=sent.json()["messages"][-1]["id"]))
            chats = [window.get(f"/agents/{agent.pk}/try/").text for window in windows]
            assert all(answer in chat for answer in ANSWERS for chat in chats)

            site = lifecycle.create_site(agent, "ada", "", alice, host=SELF_HOST)
            lifecycle.change(site, lifecycle.Settings(access="public"), alice)
            build.refresh_from_db()
            deployment = services.enqueue(site, build, alice)
            windows[0].follow(deployment.stream_name)
        deployment = Deployment.objects.get(pk=deployment.pk)
        assert (deployment.status, deployment.error) == ("succeeded", "")
        archives = [window.get(f"/deployments/{deployment.pk}/site.tar.gz").content for window in windows]
        assert len(archives[0]) == len(archives[1]) > 1_000_000
        # No upkeep or answers of a worker any more, but all that is shared is.
        answers = [window.client.get("/readyz").json()["checks"] for window in windows]
        assert [checks["shared by all machines"]["state"] for checks in answers] == ["ok", "ok"]


def test_files_in_a_bucket_come_from_either(
    agent: AgentConfig, alice: User, machine: Callable[[str], dict[str, str]], bucket: dict[str, str]
) -> None:
    one, two = ({**machine(name), **bucket} for name in ("one", "two"))
    worker: dict[str, Any] = {"queues": "builds", "concurrency": 1, **two}
    with opened(alice, one, two) as windows:
        compiled = windows[0].client.post(f"/agents/{agent.pk}/compile/", json={}).json()
        build = Build.objects.get(pk=compiled["build"]["id"])
        with WorkerProcess(**worker):
            windows[0].follow(build.stream_name)
        first, second = (window.get(f"/builds/{build.pk}/download/") for window in windows)
        assert first.content == second.content
        assert len(first.content) > 1_000_000
        answers = [window.client.get("/readyz").json()["checks"] for window in windows]
        assert [checks["shared by all machines"]["state"] for checks in answers] == ["ok", "ok"]


def _ends(record: dict[str, Any], message: int) -> bool:
    return record.get("message") == message and record["event"]["type"] in ("done", "error")

"""A real deployed agent: compiled, deployed, its function run, its page opened in a browser."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.services import enqueue_build
from configs.models import AgentConfig
from deployments import services
from deployments.accounts import host_accounts
from deployments.models import Site
from deployments.sites import lifecycle
from tests.deployments.deployment_jobs import run_jobs
from tests.drivers.forge import ROOT
from tests.drivers.ports import free_port
from tests.standins.netlify import NetlifyStandIn
from tests.standins.netlify.edge import Invoke
from tests.standins.netlify.functions import Functions
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(1200)]
COMPOSED = unicodedata.normalize("NFC", "Sésam öffne dich")


@pytest.fixture
def local_model(settings: Settings, agent: AgentConfig) -> Iterator[None]:
    """The real local model, started as in the Procfile, for an agent with short answers."""
    AgentConfig.objects.filter(pk=agent.pk).update(
        response_length="brief", custom_instructions="Say one word."
    )
    agent.refresh_from_db()
    port = free_port()
    command = [sys.executable, "-m", "agentforge.launch.model", "--port", str(port)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as model:
        assert model.stdout is not None
        assert "is ready" in model.stdout.readline()
        settings.LOCAL_MODEL_URL = f"http://127.0.0.1:{port}/v1"
        try:
            yield
        finally:
            model.terminate()


@pytest.fixture
def online(
    agent: AgentConfig, alice: User, netlify: NetlifyStandIn
) -> Iterator[Callable[[lifecycle.Settings], Site]]:
    """Return a function that compiles and deploys the agent; its functions run while the test does."""
    with Functions() as functions:
        netlify.edge.invoke = functions
        host_accounts.connect(alice, netlify.token)
        site = lifecycle.create_site(agent, "ada", "team-one", alice)

        def deploy(settings: lifecycle.Settings) -> Site:
            lifecycle.change(site, settings, alice)
            build = enqueue_build(agent, alice, ["plugin", "function"])
            run_jobs("builds", "deployments")
            build.refresh_from_db()
            assert build.status == "succeeded", build.error
            site.refresh_from_db()
            deployment = services.enqueue(site, build, alice)
            run_jobs("builds", "deployments")
            deployment.refresh_from_db()
            assert (deployment.status, deployment.error) == ("succeeded", "")
            return site

        yield deploy


def post(site: Site, path: str, body: Any, **more: Any) -> httpx.Response:
    return httpx.post(f"{site.url}{path}", json=body, timeout=60, **more)


def test_a_password_may_be_set_with_decomposed_characters(
    online: Callable[[lifecycle.Settings], Site],
) -> None:
    decomposed = unicodedata.normalize("NFD", COMPOSED)
    site = online(lifecycle.Settings(access="password", password=decomposed))
    assert post(site, "/api/session", {"password": COMPOSED}).status_code == 200


def test_a_deployed_agent_answers(
    model: OpenAIStandIn, online: Callable[[lifecycle.Settings], Site], netlify: NetlifyStandIn
) -> None:
    site = online(lifecycle.Settings(access="password", password="open sesame", offers_download=True))
    page = httpx.get(site.url)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    assert "Ada" in page.text
    assert "<script>" not in page.text
    assert post(site, "/api/ask", {"message": "hello"}).status_code == 401
    assert post(site, "/api/session", {"password": "wrong"}).status_code == 403
    key = {"Authorization": "Bearer open sesame"}
    first = post(site, "/api/ask", {"message": "hello"}, headers=key).json()
    assert first["text"] == "You said: hello"
    again = post(site, "/api/ask", {"message": "and more", "state": first["state"]}, headers=key).json()
    assert again["text"] == "You said: and more"
    forged = first["state"][:-2] + "xx"
    assert post(site, "/api/ask", {"message": "x", "state": forged}, headers=key).status_code == 409
    body = {"model": "ada", "messages": [{"role": "user", "content": "hi"}]}
    answer = post(site, "/v1/chat/completions", body, headers=key).json()
    assert answer["choices"][0]["message"]["content"] == "You said: hi"
    assert httpx.get(f"{site.url}/download.html").status_code == 200
    assert httpx.get(f"{site.url}/files/ada.so").status_code == 200
    function = next(iter(netlify.state.zips.values()))
    assert len(function) < 4 * 1024 * 1024


def test_two_copies_of_a_function_run_an_approved_call_once(
    agent: AgentConfig,
    model: OpenAIStandIn,
    online: Callable[[lifecycle.Settings], Site],
    netlify: NetlifyStandIn,
) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(tools=["calculator"], permissions={"calculator": ["ask"]})
    site = online(lifecycle.Settings(access="public"))
    model.replies.extend([Calls((Call("calculator", {"expression": "6*7"}),)), Text.of("It is 42.")])
    with Functions() as copy:
        assert netlify.edge.invoke is not None
        copies: Iterator[Invoke] = itertools.cycle((netlify.edge.invoke, copy))
        netlify.edge.invoke = lambda *event: next(copies)(*event)
        waiting = post(site, "/api/ask", {"message": "6*7?", "ask": True}).json()
        (call,) = waiting["approvals"]
        answers = [{"id": call["id"], "answer": "once"}]
        given = {"state": waiting["state"], "ask": True, "answers": answers}
        first, *others = (post(site, "/api/ask", given) for _ in range(4))
    assert first.json()["text"] == "It is 42."
    assert all("answered already" in other.json()["message"] for other in others)
    assert [
        message["content"] for message in model.asked[-1].json["messages"] if message["role"] == "tool"
    ] == ["42"]
    assert len(netlify.blobs.blobs) == 1


@pytest.mark.browser
@pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out")
def test_its_page_answers_in_a_browser_through_the_local_model(
    local_model: None, online: Callable[[lifecycle.Settings], Site], netlify: NetlifyStandIn
) -> None:
    site = online(lifecycle.Settings(access="password", password=COMPOSED, greeting="Good day."))
    script = [
        sys.executable,
        "-m",
        "tests.deployments.bundle.site_visit",
        site.url,
        unicodedata.normalize("NFD", COMPOSED),
        "Say hello.",
    ]
    done = subprocess.run(script, cwd=ROOT, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    greeting, question, answer = seen["messages"]
    assert (greeting, question, seen["problems"]) == ("Good day.", "Say hello.", [])
    assert re.search(r"\w", answer)

"""Digits without end are a wrong value wherever a number is read, never an error of the server."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from agentforge.live import streams
from agentforge.whole_numbers import whole_number
from builds.logs.ansi import spans
from builds.models import Build
from configs.models import AgentConfig
from configs.revisions import create_revision

ENDLESS = "1" * 5000
NUMBERS = [ENDLESS, "9" * 19, "-1", "\u0661", "\u00b2", "1_0", " 1", "+1", "1e3", ""]


@pytest.fixture
def agent(alice: User) -> AgentConfig:
    return AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", provider="openai", model="x")


@pytest.fixture
def browser(alice: User, client_of: Callable[[User], Client]) -> Client:
    return client_of(alice)


@pytest.mark.parametrize("text", NUMBERS)
def test_what_is_no_short_number_is_none(text: str) -> None:
    assert whole_number(text) is None


@pytest.mark.parametrize("number", NUMBERS)
def test_pages_and_ids_of_any_length(browser: Client, agent: AgentConfig, number: str) -> None:
    for name in ("builds:list", "configs:list"):
        assert browser.get(reverse(name), {"page": number}).status_code in (200, 400, 404)
    assert browser.get(f"/builds/{number or 0}/").status_code == 404
    assert browser.get(f"/agents/{number or 0}/keys/").status_code == 404


@pytest.mark.parametrize("number", NUMBERS)
def test_numbers_in_forms(browser: Client, agent: AgentConfig, number: str) -> None:
    keys = {"provider": "openai", "model": "x", "api_key": number}
    assert browser.post(f"/agents/{agent.pk}/keys/", keys).status_code in (302, 422)
    limits = {"memory": "on", "memory_turns": number, "tool_rounds": number, "time_limit_seconds": number}
    assert browser.post(f"/agents/{agent.pk}/capabilities/", limits).status_code in (302, 422)
    base = {"base": f'{{"memory_turns": {number}}}', **limits}
    assert browser.post(f"/agents/{agent.pk}/capabilities/", base).status_code in (302, 400, 409, 422)


@pytest.mark.parametrize("number", [ENDLESS, f"-{ENDLESS}", "9" * 400, "1e400"])
def test_numbers_in_json(browser: Client, agent: AgentConfig, number: str) -> None:
    answer = browser.post(
        f"/agents/{agent.pk}/capabilities/",
        f'{{"memory_turns": {number}}}',
        content_type="application/json",
        headers={"accept": "application/json"},
    )
    assert answer.status_code in (400, 422)


def test_ranges_and_searches_of_a_log(browser: Client, agent: AgentConfig, alice: User) -> None:
    build = Build.objects.create(owner=alice, revision=create_revision(agent))
    streams.create_stream(build.stream_name, alice.pk)
    streams.publish(
        build.stream_name, {"kind": "line", "stream": "out", "text": f"\x1b[{ENDLESS}mred\x1b[0m"}
    )
    for query in ({"from": ENDLESS}, {"to": ENDLESS}, {"from": "1", "to": "5", "part": ENDLESS}):
        assert browser.get(reverse("builds:log_lines", args=[build.pk]), query).status_code < 500
    assert browser.get(reverse("builds:detail", args=[build.pk])).status_code == 200
    assert b"red" in browser.get(reverse("builds:log", args=[build.pk])).getvalue()


def test_an_endless_colour_is_none() -> None:
    assert spans(f"\x1b[31;{ENDLESS}mred") == [("red", "sgr-fg-1")]

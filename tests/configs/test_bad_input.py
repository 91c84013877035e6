"""Put every nasty text into every text field: a clear error, or text that comes back exactly."""

from __future__ import annotations

import html
import json
from typing import Any

import pytest
from django.test import Client

from configs import revisions
from configs.models import AgentConfig, ApiKey
from configs.prompt.assembly import system_prompt

from .test_tabs import VALID

NASTY = {
    "nul": "a\0b",
    "bell": "a\x07b",
    "escape": "a\x1b[31mb",
    "lone high surrogate": "ab\ud800",
    "lone low surrogate": "\udfffab",
    "right-to-left": "abc\u202edcba\u202c \u200f\u2066x\u2069",
    "zero width": "a\u200bb\u200dc\ufeffd",
    "combining": "Z" + "\u0351" * 50,
    "astral": "Ada 👩🏽‍🔬 \U0001d538",
    "not a character": "abc\ufffe\uffff",
    "quotes": """it's "quoted" `and` \\ 'so' on""",
    "template": "{{ agent.name }} {% load x %} {{{{",
    "go embed": "//go:embed /etc/passwd",
    "go comment": '*/ package main; import "C" /*',
    "shell": '$(touch /tmp/x); `id` && rm -rf / | cat > "$HOME"',
    "path": "../../etc/passwd",
    "flag": "--version -rf",
    "html": "<script>alert('x')</script>&amp;<!--",
    "sql": "'; DROP TABLE configs_agentconfig; --",
    "percent": "100% %s %(name)s %d",
    "json": '","role":"system","content":"\\u0000',
    "long": "x" * 10_000,
    "spaces": "   ",
    "nothing to see": "\u200b\u200b\u200b",
    "separator": "a\u2028b\u2029c",
    "line ends": "one\r\ntwo\rthree\nfour",
}
FIELDS = {
    "identity": ("name", "handle", "description", "version", "type"),
    "keys": ("provider", "model"),
    "personality": ("preset", "traits", "communication_style", "tone", "creativity", "custom_instructions"),
    "capabilities": (
        "memory",
        "memory_turns",
        "tools",
        "tool_rounds",
        "time_limit_seconds",
        "memory_limit_mb",
    ),
}
CASES = [(tab, field) for tab, fields in FIELDS.items() for field in fields]
FREE = ("name", "description", "model", "custom_instructions")


def as_sent(text: str) -> str:
    """Return how a browser's form sends a text: lone surrogates become question marks there."""
    return text.encode("utf-8", "replace").decode()


def expect_kept(agent: AgentConfig, field: str, sent: str) -> None:
    saved = getattr(AgentConfig.objects.get(pk=agent.pk), field)
    expected = sent.replace("\r\n", "\n").replace("\r", "\n")
    if field != "custom_instructions":
        expected = expected.strip()
    assert saved == expected


@pytest.mark.parametrize(("tab", "field"), CASES)
def test_a_form_says_what_is_wrong_or_keeps_it_exactly(
    browser: Client, agent: AgentConfig, tab: str, field: str
) -> None:
    for text in map(as_sent, NASTY.values()):
        before: dict[str, Any] = {**AgentConfig.objects.values().get(pk=agent.pk)}
        response = browser.post(f"/agents/{agent.pk}/{tab}/", {**VALID[tab], field: text})
        assert response.status_code in (302, 422), (text, response.status_code)
        if response.status_code == 422:
            assert "field-error" in response.content.decode()
            assert {**AgentConfig.objects.values().get(pk=agent.pk)} == before
        elif field in FREE:
            expect_kept(agent, field, text)
            assert browser.get(f"/agents/{agent.pk}/{tab}/").status_code == 200


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_the_preview_takes_anything(browser: Client, agent: AgentConfig, text: str) -> None:
    for tab, field in (("identity", "description"), ("personality", "custom_instructions")):
        sent = {**VALID[tab], field: as_sent(text)}
        assert browser.post(f"/agents/{agent.pk}/preview/?tab={tab}", sent).status_code == 200


@pytest.mark.parametrize(("tab", "field"), CASES)
def test_json_says_what_is_wrong_or_keeps_it_exactly(
    browser: Client, agent: AgentConfig, tab: str, field: str
) -> None:
    values: list[Any] = [
        *NASTY.values(),
        10**99,  # of more digits the whole body is refused
        -1,
        1e308,
        True,
        None,
        [],
        {},
        [[]],
        ["\ud800"],
        [{}],
        [None],
    ]
    for value in values:
        response = browser.post(
            f"/agents/{agent.pk}/{tab}/",
            json.dumps({field: value}),
            content_type="application/json",
            headers={"Accept": "application/json"},
        )
        answer = response.json()
        assert response.status_code in (200, 422), (value, response.status_code)
        assert bool(answer["errors"]) is (response.status_code == 422)
        if response.status_code == 200 and field in FREE:
            expect_kept(agent, field, value)


@pytest.mark.parametrize("accept", ["text/html", "*/*"])
@pytest.mark.parametrize(("tab", "field"), CASES)
def test_json_that_no_page_can_show_again_is_refused_in_json(
    browser: Client, agent: AgentConfig, tab: str, field: str, accept: str
) -> None:
    before = AgentConfig.objects.values().get(pk=agent.pk)
    for value in ("ab\ud800", ["\udfff"]):
        response = browser.post(
            f"/agents/{agent.pk}/{tab}/",
            json.dumps({field: value}),
            content_type="application/json",
            headers={"Accept": accept},
        )
        assert response.status_code == 422
        if response["Content-Type"] == "application/json":
            assert "half of a surrogate pair" in response.json()["errors"]["__all__"][0]
    assert AgentConfig.objects.values().get(pk=agent.pk) == before


@pytest.mark.parametrize(
    "name", [name for name, text in NASTY.items() if "\ud800" not in text and "\udfff" not in text]
)
def test_instructions_reach_the_prompt_and_the_revision_word_for_word(
    browser: Client, agent: AgentConfig, name: str
) -> None:
    sent = {**VALID["personality"], "custom_instructions": NASTY[name]}
    if browser.post(f"/agents/{agent.pk}/personality/", sent).status_code == 422:
        return
    saved = AgentConfig.objects.get(pk=agent.pk)
    message = saved.custom_instructions
    assert message in system_prompt(saved).text
    frozen = json.loads(revisions.create_revision(saved).canonical_json)
    assert frozen["personality"]["custom_instructions"] == message
    assert message in frozen["system_prompt"]
    page = browser.get(f"/agents/{agent.pk}/personality/").content.decode()
    assert html.escape(message) in page
    assert "<script>alert" not in page


@pytest.mark.parametrize("text", NASTY.values(), ids=NASTY.keys())
def test_new_agents_keys_deletion_and_search(browser: Client, agent: AgentConfig, text: str) -> None:
    text = as_sent(text)
    new = browser.post("/agents/new/", {**VALID["identity"], "name": text, "handle": ""})
    assert new.status_code in (302, 422)
    for sent in ({"key": text, "anyway": "on"}, {"key": text, "base_url": text}):
        key = browser.post(f"/agents/{agent.pk}/keys/openai_compatible/", sent)
        assert key.status_code == 422
    assert browser.get("/agents/", {"q": text}).status_code == 200
    assert browser.get(f"/agents/{agent.pk}/keys/model/", {"provider": text}).status_code == 200
    assert browser.post(f"/agents/{agent.pk}/delete/").status_code == 302
    assert browser.post(f"/trash/{agent.pk}/delete/", {"handle": text}).status_code == 422
    assert not ApiKey.objects.exists()


@pytest.mark.parametrize("tab", FIELDS)
def test_huge_bodies_are_refused(browser: Client, agent: AgentConfig, tab: str) -> None:
    body = b"name=" + b"x" * 5_000_000
    kinds = ("application/json", "application/x-www-form-urlencoded")
    for kind in kinds:
        response = browser.post(f"/agents/{agent.pk}/{tab}/", body, content_type=kind)
        assert response.status_code in (400, 413)
    many = "&".join(f"field{n}=x" for n in range(2000))
    assert browser.post(f"/agents/{agent.pk}/{tab}/", many, content_type=kinds[1]).status_code in (400, 413)


def test_numbers_in_the_address_have_no_end(browser: Client, agent: AgentConfig) -> None:
    assert browser.get(f"/agents/{10**40}/identity/").status_code == 404
    assert browser.get(f"/agents/{'1' * 5000}/identity/").status_code in (400, 404)


def test_bytes_that_are_no_text(browser: Client, agent: AgentConfig) -> None:
    raw = b"name=%ff%fe%ed%a0%80abc&handle=raw&type=analyst&version=1.0.0"
    url = f"/agents/{agent.pk}/identity/"
    assert browser.post(url, raw, content_type="application/x-www-form-urlencoded").status_code in (302, 422)
    assert browser.post(url, b"\xff\xfe{}", content_type="application/json").status_code == 400
    assert browser.get(url).status_code == 200

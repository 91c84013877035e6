"""What the Try page shows of an odd answer while it arrives."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from playwright.sync_api import Page, expect

from agentforge.accounts.models import User
from agentforge.live.writer import StreamWriter
from builds.models import Build, BuildTarget, ChatMessage
from builds.trial import chat
from builds.trial.answer import Answer
from configs.models import AgentConfig

pytestmark = pytest.mark.browser


@pytest.fixture
def message(agent: AgentConfig, alice: User, build: Build) -> ChatMessage:
    """The coming answer of an agent whose build counts as succeeded."""
    Build.objects.filter(pk=build.pk).update(status="succeeded")
    BuildTarget.objects.filter(build=build).update(status="succeeded")
    return chat.ask(agent, by=alice, text="What time is it?")[1]


def test_an_answer_that_is_cut_off_says_so_live(message: ChatMessage, page: Page, agent: AgentConfig) -> None:
    page.goto(f"/agents/{agent.pk}/try/")
    item = page.locator(f"[data-message='{message.pk}']")
    with StreamWriter(agent.stream_name) as writer:
        answer = Answer(message.pk, writer.write)
        for result in ("first", "second"):
            answer.add({"type": "tool_call", "id": "same", "name": "clock", "arguments": {"a": "\0\ud83d"}})
            answer.add({"type": "tool_result", "id": "same", "result": result, "error": False, "ms": 1})
        answer.add({"type": "token", "text": "It is\0 \N{SLIGHTLY SMILING FACE} no"})
        answer.add(
            {"type": "done", "text": "It is \N{SLIGHTLY SMILING FACE} no", "finish": "length", "ms": 5}
        )
        writer.write({"kind": "chat", "message": message.pk, "event": answer.last})
    expect(item).to_have_attribute("data-status", "done")
    expect(item.locator("[data-chat-text]")).to_have_text("It is \N{SLIGHTLY SMILING FACE} no")
    expect(item.locator("[data-chat-note]")).to_contain_text("cut off at its length limit")
    results = item.locator(".tool-call dl")
    assert [text.split("Result")[1] for text in results.all_text_contents()] == ["first", "second"]


def test_an_answer_is_rendered_when_it_ends_and_can_be_copied(
    message: ChatMessage, page: Page, agent: AgentConfig
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/agents/{agent.pk}/try/")
    item = page.locator(f"[data-message='{message.pk}']")
    text = "**Bold**\n\n```\nprint(1)\n```\n"
    writer = StreamWriter(agent.stream_name)
    answer = Answer(message.pk, writer.write)
    answer.add({"type": "tool_call", "id": "1", "name": "clock", "arguments": {}})
    answer.add({"type": "tool_result", "id": "1", "result": "noon", "error": False, "ms": 1})
    answer.add({"type": "token", "text": text})
    expect(item.locator("[data-chat-text]")).to_contain_text("**Bold**")
    item.locator("summary").click()
    with ThreadPoolExecutor(1) as outside:
        outside.submit(_finish, message, answer, writer).result()
    expect(item.locator("strong")).to_have_text("Bold")
    expect(item.locator("[data-chat-usage]")).to_have_text("5 tokens in, 7 out \N{MIDDLE DOT} 1.5 s")
    expect(item.locator("details")).to_have_attribute("open", "")
    item.get_by_role("button", name="Copy the code").click()
    expect(page.locator(".toasts")).to_contain_text("Copied.")
    assert page.evaluate("navigator.clipboard.readText()") == "print(1)\n"
    item.get_by_role("button", name="Copy", exact=True).click()
    page.wait_for_function(
        "async (text) => (await navigator.clipboard.readText()) === text", arg=text.strip()
    )


def _finish(message: ChatMessage, answer: Answer, writer: StreamWriter) -> None:
    """End an answer as a worker does."""
    answer.add({"type": "usage", "input_tokens": 5, "output_tokens": 7})
    answer.add({"type": "done", "text": answer.facts["content"], "finish": "stop", "ms": 1500})
    writer.close()
    assert message.job_id is not None
    chat.claim(message.pk, message.job_id)
    chat.finish(message.pk, message.job_id, answer.status, event=answer.last, **answer.facts)
    connection.close()

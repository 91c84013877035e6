"""Compile text that would be code elsewhere; the agent must say exactly that text."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from agentforge.accounts.models import User
from builds.services import enqueue_build
from builds.trial import chat
from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn

HOSTILE = (
    '"; os.Exit(1) // `${{ .Env }}` {{.}} $(touch /tmp/pwned) `id` \\u0022 %s %!d(MISSING) '
    "//go:embed ../../etc/passwd //go:build ignore <script>alert(1)</script> -ldflags=-X "
    "\N{RIGHT-TO-LEFT OVERRIDE}abc \N{PILE OF POO} \N{LINE SEPARATOR} '' ]]> &amp;\n"
    "#cgo CFLAGS: -fplugin=evil"
)


@pytest.mark.django_db(transaction=True)
def test_the_agent_says_exactly_what_was_typed(
    agent: AgentConfig, alice: User, work: Callable[[], None], local_model: OpenAIStandIn
) -> None:
    name = HOSTILE.replace("\n", " ")[:100].strip()
    AgentConfig.objects.filter(pk=agent.pk).update(
        name=name, description=HOSTILE[:500], custom_instructions=HOSTILE * 10, version="1.0.0-rc.1+x"
    )
    agent.refresh_from_db()
    build = enqueue_build(agent, by=alice)
    work()
    build.refresh_from_db()
    assert build.status == "succeeded", build.error
    chat.ask(agent, by=alice, text=HOSTILE)
    work()
    sent = local_model.asked[-1].json["messages"]
    assert sent[0]["content"] == json.loads(build.revision.canonical_json)["system_prompt"]
    assert HOSTILE * 10 in sent[0]["content"]
    assert sent[-1]["content"] == HOSTILE

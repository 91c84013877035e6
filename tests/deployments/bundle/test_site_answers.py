"""What a site's page shows beside an answer's words, and sends beside a question's: the executable and a browser."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.keys.vault import save_key
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from deployments.models import Access
from tests.deployments.deployment_jobs import run_jobs
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

from .served_site import Served, compiled_program, message, say, serving, show, visiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out"),
]
HANDBOOK = b"# Handbook\n\n## Refunds\n\nA refund is paid within fourteen days.\n\n## Shipping\n\nThe same day.\n"
SEARCH = Calls((Call("knowledge_search", {"queries": ["when is a refund paid"]}),))
QUOTED = Text.of(
    "“A refund is paid within fourteen days.” [handbook.md, Refunds]\n\n"
    "“A refund is paid within fourteen days.” [handbook.md, Shipping]\n\n"
    "“Shipping takes thirty days.” [handbook.md, Shipping] [prices.pdf, page 3]"
)


@pytest.fixture
def openai(settings: Settings) -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        settings.AGENTFORGE_OPENAI_URL = server.url
        yield server


@pytest.fixture
def site(
    openai: OpenAIStandIn, alice: User, client_of: Callable[[User], Client], tmp_path: Path
) -> Iterator[Served]:
    """The site of an agent that knows a handbook."""
    save_key(alice, "openai", openai.key)
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "gpt-x"}
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))
    added = {"added": SimpleUploadedFile("handbook.md", HANDBOOK)}
    assert client_of(alice).post(reverse("configs:file_add", args=[agent.pk]), added).status_code in (201, 302)
    run_jobs("process")
    program = compiled_program(AgentConfig.objects.get(pk=agent.pk), alice, tmp_path)
    show(tmp_path / "live", Access.PUBLIC, "Good day.")
    with serving(
        program,
        tmp_path / "live",
        OPENAI_API_KEY=openai.key,
        OPENAI_BASE_URL=openai.url,
        AGENT_ACCESS=Access.PUBLIC,
    ) as served:
        yield served


def test_the_sources_of_an_answer_are_shown_as_they_were_checked(site: Served, openai: OpenAIStandIn) -> None:
    openai.replies.extend([SEARCH, QUOTED])
    with visiting(site.url) as page:
        say(page, "When is a refund paid?")
        answer = message(page, 3)
        expect(answer.locator(".sources .who")).to_have_text("Sources")
        expect(answer.locator(".sources li")).to_have_text(
            [
                "handbook.md, Refunds",
                "handbook.md, Shipping"
                "“A refund is paid within fourteen days.” is not there, but in Handbook > Refunds."
                "“Shipping takes thirty days.” is not there.",
                "prices.pdf, page 3 – not in the agent’s files",
            ]
        )
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        say(page, "Thanks")
        expect(message(page, 5).locator("p")).to_have_text("You said: Thanks")
        expect(message(page, 5).locator(".sources")).to_have_count(0)

"""What a site's page shows and sends beside words, sources and pictures: the executable and a browser."""

from __future__ import annotations

import base64
import os
import re
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from playwright.sync_api import FilePayload, Page, expect
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

from .served_site import Served, compiled_program, message, press, say, serving, show, visiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out"),
]
HANDBOOK = (
    b"# Handbook\n\n## Refunds\n\nA refund is paid within fourteen days.\n\n## Shipping\n\nThe same day.\n"
)
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
    """The site of an agent that knows a handbook and takes images."""
    save_key(alice, "openai", openai.key)
    values: dict[str, Any] = {
        **PRESET_VALUES["balanced"],
        "provider": "openai",
        "model": "gpt-x",
        "images": True,
    }
    agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada", **values))
    added = {"added": SimpleUploadedFile("handbook.md", HANDBOOK)}
    assert client_of(alice).post(reverse("configs:file_add", args=[agent.pk]), added).status_code in (
        201,
        302,
    )
    run_jobs("process")
    program = compiled_program(AgentConfig.objects.get(pk=agent.pk), alice, tmp_path)
    document = {"name": "Ada", "capabilities": {"images": True}}
    show(tmp_path / "live", Access.PUBLIC, "Good day.", document)
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
        sources = answer.locator(".sources li")
        expect(sources.nth(0)).to_have_text("handbook.md, Refunds")
        expect(sources.nth(1).locator("p")).to_have_text(
            [
                "“A refund is paid within fourteen days.” is not there, but in Handbook > Refunds.",
                "“Shipping takes thirty days.” is not there.",
            ]
        )
        expect(sources.nth(2)).to_contain_text(
            re.compile(r"^prices\.pdf, page 3 \(not in the agent.s files\)$")
        )
        expect(sources).to_have_count(3)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        say(page, "Thanks")
        expect(message(page, 5).locator("p")).to_have_text("You said: Thanks")
        expect(message(page, 5).locator(".sources")).to_have_count(0)


def picture(name: str, width: int = 8, *, noisy: bool = False) -> FilePayload:
    """Return a PNG file, half as high as it is wide, of random dots or black."""
    height = width // 2
    lines = (b"\0" + (os.urandom(width * 3) if noisy else bytes(width * 3)) for _ in range(height))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"".join(lines))),
        (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )
    content = b"\x89PNG\r\n\x1a\n" + b"".join(chunks)
    return {"name": name, "mimeType": "image/png", "buffer": content}


def images_of(asked: dict[str, Any]) -> list[bytes]:
    """Return the files in a message to the model."""
    parts = [part["image_url"]["url"] for part in asked["content"] if part["type"] == "image_url"]
    return [base64.b64decode(url.partition(",")[2]) for url in parts]


def give(page: Page, event: str, file: FilePayload) -> None:
    """Paste or drop a file into the form."""
    page.evaluate(
        """([kind, name, type, data]) => {
            const given = new DataTransfer();
            const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
            given.items.add(new File([bytes], name, { type }));
            const event = kind === "paste"
              ? new ClipboardEvent("paste", { clipboardData: given, bubbles: true, cancelable: true })
              : new DragEvent("drop", { dataTransfer: given, bubbles: true, cancelable: true });
            document.querySelector("#question").dispatchEvent(event);
        }""",
        [event, file["name"], file["mimeType"], base64.b64encode(file["buffer"]).decode()],
    )


def test_pictures_go_with_a_question_and_with_those_after_it(site: Served, openai: OpenAIStandIn) -> None:
    small, large = picture("small.png"), picture("large.png", 3000, noisy=True)
    with visiting(site.url) as page:
        chosen = page.locator(".chosen canvas")
        page.get_by_label("Add pictures").set_input_files([small, large])
        expect(chosen).to_have_count(2)
        give(page, "paste", picture("pasted.png"))
        expect(chosen).to_have_count(3)
        give(page, "drop", picture("dropped.png"))
        expect(chosen).to_have_count(4)
        press(page, "Remove pasted.png")
        expect(chosen).to_have_count(3)
        give(page, "drop", {"name": "notes.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
        expect(page.get_by_role("alert")).to_contain_text("notes.pdf is not a picture that Ada takes")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        openai.replies.append(Text.of("Two black ones and many dots."))
        press(page, "Send")
        expect(message(page, 3).locator("p")).to_have_text("Two black ones and many dots.")
        expect(message(page, 2).get_by_role("img")).to_have_count(3)
        expect(chosen).to_have_count(0)
        first, second, _ = images_of(openai.asked[-1].json["messages"][-1])
        assert first == small["buffer"]
        assert second.startswith(b"\xff\xd8\xff") and len(second) <= 375_000 < len(large["buffer"])
        say(page, "And now?")
        expect(message(page, 5).locator("p")).to_have_text("You said: And now?")
        asked = openai.asked[-1].json["messages"]
        assert images_of(asked[1])[:2] == [first, second]
        openai.mode = "invalid"
        page.get_by_label("Add pictures").set_input_files([small])
        say(page, "Again")
        expect(page.get_by_role("alert")).to_contain_text("Incorrect API key")
        expect(chosen).to_have_count(1)
        press(page, "Start anew")
        expect(chosen).to_have_count(0)

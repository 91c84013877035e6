"""What a site's page shows and sends beside words, sources and pictures: the executable and a browser."""

from __future__ import annotations

import base64
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import FilePayload, Page, expect

from deployments.models import Access
from tests.drivers.agent_programs import compiled, environment_for
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

from .served_site import Served, message, press, say, serving, show, visiting

pytestmark = [
    pytest.mark.timeout(1200),
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out"),
]
KNOWS = (
    (
        "handbook.md",
        (
            ("Handbook > Refunds", "A refund is paid within fourteen days."),
            ("Handbook > Shipping", "The same day."),
        ),
    ),
)
SEARCH = Calls((Call("knowledge_search", {"queries": ["when is a refund paid"]}),))
QUOTED = Text.of(
    "“A refund is paid within fourteen days.” [handbook.md, Refunds]\n\n"
    "“A refund is paid within fourteen days.” [handbook.md, Shipping]\n\n"
    "“Shipping takes thirty days.” [handbook.md, Shipping] [prices.pdf, page 3]"
)


@pytest.fixture
def openai() -> Iterator[OpenAIStandIn]:
    with OpenAIStandIn() as server:
        yield server


@contextmanager
def site(program: Path, model: OpenAIStandIn, link: Path, **capabilities: bool) -> Iterator[Served]:
    """The public site of a program."""
    show(link, Access.PUBLIC, "Good day.", {"name": "Ada", "capabilities": capabilities})
    with serving(program, link, **environment_for(model), AGENT_ACCESS=Access.PUBLIC) as served:
        yield served


def test_the_sources_of_an_answer_are_shown_as_they_were_checked(
    openai: OpenAIStandIn, tmp_path: Path
) -> None:
    program = compiled("standalone", knows=KNOWS)
    openai.replies.extend([SEARCH, QUOTED])
    with site(program, openai, tmp_path / "live") as served, visiting(served.url) as page:
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


def test_pictures_go_with_a_question_and_with_those_after_it(openai: OpenAIStandIn, tmp_path: Path) -> None:
    small, large = picture("small.png"), picture("large.png", 2500, noisy=True)
    program = compiled("standalone", images=True)
    with (
        site(program, openai, tmp_path / "live", images=True) as served,
        visiting(served.url) as page,
    ):
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
        expect(chosen).to_have_count(1)
        # The form has grown: who was at the end of a long page still is.
        assert page.evaluate(
            "scrollY > 0 && innerHeight + scrollY >= document.documentElement.scrollHeight - 1"
        )
        say(page, "Again")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The model's provider refused to answer")
        # Its own words are for the agent's owner: they may name an account.
        expect(alert).not_to_contain_text("API key")
        expect(chosen).to_have_count(1)
        press(page, "Start anew")
        expect(chosen).to_have_count(0)


def test_an_agent_without_images_says_so(openai: OpenAIStandIn, tmp_path: Path) -> None:
    with (
        site(compiled("standalone"), openai, tmp_path / "live") as served,
        visiting(served.url) as page,
    ):
        expect(page.get_by_label("Add pictures")).to_have_count(0)
        give(page, "paste", picture("a.png"))
        expect(page.get_by_role("alert")).to_have_text("Ada takes no pictures.")

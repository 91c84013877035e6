"""A site without an account: the compiled executable serves it, and a browser talks to its agent."""

from __future__ import annotations

import json
import mimetypes
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import expect

from agentforge.accounts.models import User
from configs.models import AgentConfig
from deployments.bundle import pages
from deployments.models import Access, Site
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Held, Text
from tests.standins.server import Answer, Asked, StandIn, as_events, as_html, as_json

from .served_site import Served, compiled_program, message, press, say, serving, show, visiting

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(1200),
    pytest.mark.browser,
    pytest.mark.skipif(os.environ.get("BROWSER") == "0", reason="BROWSER=0 leaves the browser tests out"),
]
PASSWORD = "open sesame"
POEM = ("Grüße ", "aus der ", "Ferne 🌍 ", "und ", "zurück")
Serve = Callable[[str], AbstractContextManager[Served]]


@pytest.fixture
def program(agent: AgentConfig, alice: User, model: OpenAIStandIn, tmp_path: Path) -> Path:
    return compiled_program(agent, alice, tmp_path)


@pytest.fixture
def serve(program: Path, model: OpenAIStandIn, tmp_path: Path) -> Serve:
    """Return a function that serves a site of the given access from a directory behind a link."""

    @contextmanager
    def served(access: str) -> Iterator[Served]:
        link = tmp_path / "live"
        show(link, access, "Good day.")
        own = {"AGENT_PASSWORD": PASSWORD} if access == Access.PASSWORD else {}
        with serving(program, link, LOCAL_MODEL_URL=model.url, AGENT_ACCESS=access, **own) as site:
            yield site

    return served


class Cutting(StandIn):
    """A site whose agent answers with the next bytes of a list."""

    def __init__(self) -> None:
        super().__init__()
        files = pages.render(Site(access=Access.PUBLIC), {"name": "Ada"}, [])
        self._files = {f"/{name}": text.encode() for name, text in files.items()}
        self.next = as_json({})

    def answer(self, asked: Asked) -> Answer:
        if asked.path == "/api/ask":
            return self.next
        name = "/index.html" if asked.path == "/" else asked.path
        kind = mimetypes.guess_type(name)[0] or "text/plain"
        return Answer(200, self._files[name], {"Content-Type": kind})


def hold(model: OpenAIStandIn) -> Held:
    """Pause the model's next answer half-way."""
    held = Held(POEM)
    model.replies.append(Text(held))
    return held


def test_an_answer_is_shown_as_it_comes(serve: Serve, model: OpenAIStandIn) -> None:
    with serve(Access.PASSWORD) as site, visiting(site.url) as page:
        page.get_by_label("Password").fill("wrong")
        press(page, "Open")
        expect(page.get_by_role("alert")).to_have_text("This password is wrong.")
        page.get_by_label("Password").fill(PASSWORD)
        press(page, "Open")
        held = hold(model)
        say(page, "hello")
        answer = message(page, 3)
        expect(answer.locator("p")).to_have_text("Grüße aus der")
        expect(answer).to_have_attribute("aria-busy", "true")
        expect(page.get_by_role("status")).to_have_text("Ada is answering.")
        expect(page.get_by_role("button", name="Send")).to_be_disabled()
        page.get_by_label("Message").fill("my next thought")
        page.get_by_label("Message").press("Enter")
        held.let_go()
        expect(answer.locator("p")).to_have_text("".join(POEM))
        expect(answer).not_to_have_attribute("aria-busy", "true")
        expect(page.get_by_role("status")).to_have_text(f"Ada: {''.join(POEM)}")
        expect(page.get_by_role("button", name="Stop")).to_be_hidden()
        expect(page.get_by_label("Message")).to_have_value("my next thought")
        press(page, "Send")
        expect(message(page, 5).locator("p")).to_have_text("You said: my next thought")
        contents = [each["content"] for each in model.asked[-1].json["messages"]]
        assert contents[-3:] == ["hello", "".join(POEM), "my next thought"]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        show(site.link, Access.PASSWORD, "Good evening.")
        page.reload()
        expect(message(page, 1).locator("p")).to_have_text("Good evening.")
        expect(page.get_by_label("Message")).to_be_visible()  # still signed in


def test_an_answer_that_does_not_end_is_marked(serve: Serve, model: OpenAIStandIn) -> None:
    with serve(Access.PUBLIC) as site, visiting(site.url) as page:
        field = page.get_by_label("Message")
        held = hold(model)
        say(page, "one")
        expect(message(page, 3).locator("p")).to_have_text("Grüße aus der")
        field.fill("typed meanwhile")
        held.let_go(breaks=True)
        expect(message(page, 3).locator("p")).to_have_text(
            ["Grüße aus der", "Broken off. Ada does not remember this exchange."]
        )
        expect(page.get_by_role("alert")).to_contain_text("before the answer was complete")
        expect(field).to_have_value("one\ntyped meanwhile")
        held = hold(model)
        say(page, "two")
        expect(message(page, 5).locator("p")).to_have_text("Grüße aus der")
        press(page, "Stop")
        expect(message(page, 5).locator("p").nth(1)).to_contain_text("Stopped.")
        expect(page.get_by_role("alert")).to_be_hidden()
        expect(field).to_have_value("two")
        expect(field).to_be_focused()
        held.let_go()
        model.mode = "invalid"
        press(page, "Send")
        alert = page.get_by_role("alert")
        expect(alert).to_contain_text("The model's provider refused to answer")
        # Its own words are for the agent's owner: they may name an account.
        expect(alert).not_to_contain_text("API key")
        expect(page.locator("#messages > li")).to_have_count(5)
        expect(field).to_have_value("two")
        model.mode = "ok"
        press(page, "Send")
        expect(message(page, 7).locator("p")).to_have_text("You said: two")
        assert [each["role"] for each in model.asked[-1].json["messages"]] == ["system", "user"]


def test_a_server_that_is_stopped_ends_its_answers_first(serve: Serve, model: OpenAIStandIn) -> None:
    with serve(Access.PUBLIC) as site, visiting(site.url) as page:
        held = hold(model)
        say(page, "hello")
        expect(message(page, 3).locator("p")).to_have_text("Grüße aus der")
        site.process.terminate()
        held.let_go()
        expect(message(page, 3).locator("p")).to_have_text("".join(POEM))
        assert site.process.wait(60) == 0
        say(page, "anybody there?")
        expect(page.get_by_role("alert")).to_contain_text("could not be reached")
        expect(page.get_by_label("Message")).to_have_value("anybody there?")


def events(*given: dict[str, str]) -> bytes:
    return b"".join(f"data: {json.dumps(each, ensure_ascii=False)}\n\n".encode() for each in given)


def cut_in_a_letter(whole: bytes, go_on: threading.Event) -> Iterator[bytes]:
    """Send the bytes up to the middle of the last globe, and the rest once the reader has seen them."""
    middle = whole.rindex("🌍".encode()) + 2
    yield whole[:middle]
    assert go_on.wait(60)
    yield whole[middle:]


def test_an_answer_is_read_however_its_bytes_are_cut() -> None:
    tokens = [{"type": "token", "text": piece} for piece in POEM]
    done = {"type": "done", "text": "".join(POEM), "state": "sealed"}
    whole = events({"type": "tool_call", "name": "clock"}, *tokens, done)
    broken = "Broken off. Ada does not remember this exchange."
    cases: list[tuple[str, Answer, str | list[str], str]] = [
        ("in small parts", as_events(bytes([byte]) for byte in whole), "".join(POEM), ""),
        ("at once", as_events([whole]), "".join(POEM), ""),
        ("whole, from an agent that does not stream", as_json(done), "".join(POEM), ""),
        ("without an end", as_events([events(*tokens)]), ["".join(POEM), broken], "The answer broke off."),
        ("cut in an event", as_events([whole[:-9]]), ["".join(POEM), broken], "The answer broke off."),
        ("no events", as_events([events(*tokens), b"data: {\n\n"]), ["".join(POEM), broken], "connection"),
        ("a gateway's page", as_html(502), "", "something unexpected"),
        ("nothing", Answer(reset=True), "", "could not be reached"),
    ]
    go_on = threading.Event()
    with Cutting() as site, visiting(site.origin) as page:
        site.next = as_events(cut_in_a_letter(whole, go_on))
        say(page, "in two halves")
        expect(message(page, 3).locator("p")).to_have_text("".join(POEM))
        go_on.set()
        expect(message(page, 3)).not_to_have_attribute("aria-busy", "true")
        expect(message(page, 3).locator("p")).to_have_text("".join(POEM))
        for question, answer, expected, problem in cases:
            site.next = answer
            say(page, question)
            expect(page.get_by_role("button", name="Start anew")).to_be_visible()
            expect(page.locator("form#ask .error")).to_contain_text(problem)
            expect(page.get_by_label("Message")).to_have_value(question if problem else "")
            if expected:
                expect(page.locator("#messages > li:last-child p")).to_have_text(expected)
        assert site.asked[-1].json["state"] == "sealed"

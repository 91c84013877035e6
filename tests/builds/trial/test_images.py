"""Images in the chats of the forge: sent with a question, kept with it, and shown to nobody else."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import ChatImage, ChatMessage
from builds.trial import chat, images, replacement
from configs.models import AgentConfig
from configs.providers import PROVIDERS
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Text

pytestmark = pytest.mark.django_db(transaction=True)

GIF = base64.b64decode("R0lGODlhAQABAAAAACw=")
SENT = {
    "type": "image_url",
    "image_url": {"url": f"data:image/gif;base64,{base64.b64encode(GIF).decode()}"},
}
JSON = {"accept": "application/json"}


@pytest.fixture
def seeing(agent: AgentConfig) -> AgentConfig:
    """An agent that takes images; its model is a stand-in, which does too."""
    AgentConfig.objects.filter(pk=agent.pk).update(images=True)
    agent.refresh_from_db()
    return agent


@pytest.fixture(autouse=True)
def the_catalogue_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(PROVIDERS["local"].__dict__, "images", ["*"])


def _send(
    browser: Client,
    agent: AgentConfig,
    *contents: bytes,
    text: str = "What is this?",
    to: str = "builds:draft_send",
) -> Any:
    files = [SimpleUploadedFile(f"{n}.gif", content) for n, content in enumerate(contents)]
    url = reverse(to, args=[agent.pk])
    return browser.post(url, {"content": text, "pictures": files}, headers=JSON)


def _content(model: OpenAIStandIn) -> list[Any]:
    return [message["content"] for message in model.asked[-1].json["messages"] if message["role"] == "user"]


def test_an_image_reaches_the_model_and_stays_with_its_question(
    browser: Client, seeing: AgentConfig, work: Callable[[], None], local_model: OpenAIStandIn
) -> None:
    local_model.replies.extend([Text.of("A dot."), Text.of("Still a dot."), Text.of("Yes.")])
    assert _send(browser, seeing, GIF).status_code == 202
    work()
    asked = [{"type": "text", "text": "What is this?"}, SENT]
    assert _content(local_model) == [asked]
    question = ChatMessage.objects.get(role="user")
    page = browser.get(reverse("builds:draft", args=[seeing.pk])).content.decode()
    url = reverse("builds:message_image", args=[seeing.pk, question.pk, 0])
    assert f'src="{url}"' in page
    assert 'name="pictures"' in page
    shown = browser.get(url)
    assert (shown.content, shown["Content-Type"]) == (GIF, "image/gif")
    # It goes with the next question, and stays when the answer is made again.
    _send(browser, seeing, text="Sure?")
    work()
    assert _content(local_model) == [asked, "Sure?"]
    chat.clear(seeing, chat.Source.DRAFT)
    assert not ChatImage.objects.exists()


def test_images_to_a_compiled_agent_open_again_and_are_in_the_file_of_the_chat(
    browser: Client, seeing: AgentConfig, built: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _send(browser, seeing, GIF, GIF, to="builds:send").status_code == 202
    chat.stop(seeing, chat.Source.BUILD)
    question = ChatMessage.objects.get(role="user")
    page = reverse("builds:try", args=[seeing.pk])
    urls = [reverse("builds:message_image", args=[seeing.pk, question.pk, number]) for number in (0, 1)]
    assert all(f'href="{url}"' in browser.get(page).content.decode() for url in urls)
    assert [browser.get(url).content for url in urls] == [GIF, GIF]
    download = reverse("builds:conversation_export", args=[seeing.pk])
    data = base64.b64encode(GIF).decode()
    kept = browser.get(download, {"form": "json"}).json()["messages"][0]
    assert kept["images"] == [{"media_type": "image/gif", "data": data}] * 2
    written = browser.get(download, {"form": "markdown"}).content.decode()
    assert f"![Image 1](data:image/gif;base64,{data})" in written
    assert f"![Image 2](data:image/gif;base64,{data})" in written
    monkeypatch.setattr(images, "MOST_SENT", len(GIF))
    assert (
        "Images that are only in the chat, because this file would be too large: 1*"
        in browser.get(download).content.decode()
    )


def test_a_question_that_is_asked_again_keeps_its_images(
    browser: Client, seeing: AgentConfig, alice: User
) -> None:
    _send(browser, seeing, GIF)
    chat.stop(seeing, chat.Source.DRAFT)
    question, _ = replacement.resend(ChatMessage.objects.get(role="user"), by=alice, text="And this?")
    assert images.of(question) == [GIF]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"<svg/>", "not an image that agents take"),
        (b"GIF89a" + b"x" * images.MOST_BYTES, "this one is larger"),
    ],
)
def test_refuses_what_is_no_image(browser: Client, seeing: AgentConfig, content: bytes, message: str) -> None:
    response = _send(browser, seeing, content)
    assert response.status_code == 422
    assert message in response.json()["errors"]["pictures"][0]
    assert not ChatMessage.objects.exists()


def test_refuses_more_than_one_request_holds(browser: Client, seeing: AgentConfig) -> None:
    contents = [GIF + b"x" * 4_900_000] * 2
    assert "9 MB together" in _send(browser, seeing, *contents).json()["errors"]["pictures"][0]
    assert not ChatMessage.objects.exists()
    page = browser.get(reverse("builds:draft", args=[seeing.pk])).content.decode()
    assert "up to 8 images of 5 MB, together at most 9 MB" in page


def test_says_that_json_has_less_room_than_a_form(browser: Client, seeing: AgentConfig) -> None:
    pictures = [base64.b64encode(GIF + b"x" * 2_600_000).decode()]
    url, body = reverse("builds:draft_send", args=[seeing.pk]), {"content": "Hm?", "pictures": pictures}
    refused = browser.post(url, body, content_type="application/json", headers=JSON)
    assert refused.status_code == 400
    assert "A JSON body may have 2.5 MB. Send files as" in refused.content.decode()


def test_refuses_too_many(browser: Client, seeing: AgentConfig) -> None:
    assert "at most 8" in _send(browser, seeing, *[GIF] * 9).json()["errors"]["pictures"][0]


def test_the_images_of_a_person_have_a_limit(
    browser: Client, seeing: AgentConfig, settings: Settings
) -> None:
    settings.MOST_CHAT_FILES_MB = 1
    image = GIF + b"x" * 600_000
    assert _send(browser, seeing, image).status_code == 202
    chat.stop(seeing, chat.Source.DRAFT)
    refused = _send(browser, seeing, image)
    assert (refused.status_code, "may have 1 MB" in refused.content.decode()) == (409, True)
    # The words alone may go on, and a question asked again needs no more room than it had.
    question = ChatMessage.objects.filter(role="user").latest("pk")
    url = reverse("builds:message_resend", args=[seeing.pk, question.pk])
    assert browser.post(url, {"content": "Sure?"}, headers=JSON).status_code == 202
    chat.stop(seeing, chat.Source.DRAFT)
    assert _send(browser, seeing).status_code == 202
    chat.stop(seeing, chat.Source.DRAFT)
    chat.clear(seeing, chat.Source.DRAFT)
    assert _send(browser, seeing, image).status_code == 202


def test_scripts_send_base64(browser: Client, seeing: AgentConfig) -> None:
    url = reverse("builds:draft_send", args=[seeing.pk])
    body = {"content": "What?", "pictures": [base64.b64encode(GIF).decode()]}
    assert browser.post(url, body, content_type="application/json").status_code in (202, 302)
    assert images.of(ChatMessage.objects.get(role="user")) == [GIF]
    for wrong in (["%"], [1], {"a": 1}):
        sent = browser.post(url, {**body, "pictures": wrong}, content_type="application/json", headers=JSON)
        assert sent.status_code == 422


def test_a_question_is_reworded_by_words_alone(browser: Client, seeing: AgentConfig) -> None:
    _send(browser, seeing, GIF)
    chat.stop(seeing, chat.Source.DRAFT)
    question = ChatMessage.objects.get(role="user")
    url = reverse("builds:message_resend", args=[seeing.pk, question.pk])
    assert browser.post(url, {"content": "And this?", "pictures": "%"}).status_code == 302
    reworded = ChatMessage.objects.get(role="user")
    assert (reworded.content, images.of(reworded)) == ("And this?", [GIF])
    message = browser.get(reverse("builds:message", args=[seeing.pk, reworded.pk]), headers=JSON).json()
    assert message["message"]["images"] == 1


def test_an_agent_without_images_refuses_them_in_words(browser: Client, agent: AgentConfig) -> None:
    response = _send(browser, agent, GIF)
    assert response.status_code == 409
    assert "takes no images" in response.content.decode()
    page = browser.get(reverse("builds:draft", args=[agent.pk])).content.decode()
    assert 'name="pictures"' not in page


def test_old_images_leave_room_for_new_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    read = []

    def content(question: ChatMessage) -> list[bytes]:
        read.append(question.pk)
        return [b"x" * 6_000_000]

    monkeypatch.setattr(images, "of", content)
    sent = [{"role": "user", "content": "a"}, {"role": "assistant"}] * 9 + [{"role": "user", "content": "b"}]
    found = images.with_images(sent, {place: ChatMessage(pk=place) for place in range(0, 19, 2)})
    assert all("no longer sent" in each["content"] for each in found[:18:2])
    assert not any("images" in each for each in found[:18])
    assert len(found[18]["images"]) == 1
    # A conversation may have gigabytes of them.
    assert read == [18, 16]

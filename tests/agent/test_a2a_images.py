"""Another agent shows a served agent images over A2A: with the official SDK, in both versions."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from a2a.client import ClientConfig, ClientFactory
from a2a.client.card_resolver import parse_agent_card
from a2a.helpers import new_raw_part, new_text_part, new_url_part
from a2a.types import Message, Part, Role, SendMessageRequest, StreamResponse

from tests.drivers.agent_programs import Served, serving
from tests.standins.openai import OpenAIStandIn

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
SENT = {
    "type": "image_url",
    "image_url": {"url": f"data:image/gif;base64,{base64.b64encode(GIF).decode()}"},
}
NEW = {"A2A-Version": "1.0"}


@pytest.fixture(scope="module")
def seeing(module_model: OpenAIStandIn) -> Iterator[Served]:
    with serving(module_model, also="images") as server:
        yield server


def _rpc(served: Served, method: str, message: dict[str, Any], **headers: str) -> dict[str, Any]:
    role = "ROLE_USER" if headers else "user"
    params = {"message": {"messageId": "m", "role": role, **message}}
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer: dict[str, Any] = httpx.post(f"{served.url}/a2a", json=request, headers=headers, timeout=30).json()
    return answer


async def _ask(served: Served, version: str, *parts: Part) -> list[StreamResponse]:
    """Return what the official client hears in a version of the protocol."""
    card = httpx.get(f"{served.url}/.well-known/agent-card.json").json()
    card["supportedInterfaces"] = [
        each for each in card["supportedInterfaces"] if each["protocolVersion"] == version
    ]
    message = Message(message_id="m", role=Role.ROLE_USER, parts=parts)
    async with httpx.AsyncClient() as http:
        client = ClientFactory(ClientConfig(httpx_client=http)).create(parse_agent_card(card))
        return [event async for event in client.send_message(SendMessageRequest(message=message))]


@pytest.mark.parametrize("version", ["1.0", "0.3"])
async def test_the_official_client_shows_an_image(seeing: Served, model: OpenAIStandIn, version: str) -> None:
    card = httpx.get(f"{seeing.url}/.well-known/agent-card.json").json()
    assert card["defaultInputModes"] == ["text/plain", "image/png", "image/jpeg", "image/gif", "image/webp"]
    parts = (new_text_part("What is this?"), new_raw_part(GIF, media_type="image/gif"))
    events = await _ask(seeing, version, *parts)
    assert "TASK_STATE_COMPLETED" in str(events[-1])
    shown = model.asked[-1].json["messages"][-1]["content"]
    assert [part for part in shown if part["type"] == "image_url"] == [SENT]
    assert "What is this?" in json.dumps(shown)


async def test_an_address_is_refused_in_words(seeing: Served, model: OpenAIStandIn) -> None:
    part = new_url_part("http://127.0.0.1/a.png", media_type="image/png")
    with pytest.raises(Exception, match="the agent fetches no files"):
        await _ask(seeing, "1.0", part)
    file = {"kind": "file", "file": {"uri": "http://127.0.0.1/a.png", "mimeType": "image/png"}}
    refused = _rpc(seeing, "message/send", {"kind": "message", "parts": [file]})
    assert "the agent fetches no files" in refused["error"]["message"]
    assert model.asked == []


def test_a_conversation_keeps_its_images(seeing: Served, model: OpenAIStandIn) -> None:
    raw = {"raw": base64.b64encode(GIF).decode(), "mediaType": "image/gif"}
    task = _rpc(seeing, "SendMessage", {"parts": [raw]}, **NEW)["result"]["task"]
    assert task["history"][0]["parts"] == [{"text": "[images]"}]
    later = {"parts": [{"text": "And its colour?"}], "contextId": task["contextId"]}
    _rpc(seeing, "SendMessage", later, **NEW)
    messages = model.asked[-1].json["messages"]
    assert SENT in messages[1]["content"]
    assert messages[-1]["content"] == "And its colour?"


@pytest.mark.parametrize(
    ("data", "count", "words"),
    [
        (b"GIF89a" + b"x" * (5 << 20), 1, "larger than 5 MB"),
        (b"%PDF-1.7", 1, "is not a PNG, JPEG, GIF or WebP file"),
        (GIF, 17, "at most 16 images"),
    ],
)
def test_the_bounds_are_those_of_other_images(
    seeing: Served, model: OpenAIStandIn, data: bytes, count: int, words: str
) -> None:
    raw = {"raw": base64.b64encode(data).decode(), "mediaType": "image/gif"}
    refused = _rpc(seeing, "SendMessage", {"parts": [raw] * count}, **NEW)
    assert words in refused["error"]["message"]
    assert refused["error"]["code"] == -32005
    assert model.asked == []


async def test_an_agent_without_images_refuses_them_in_words(served: Served, model: OpenAIStandIn) -> None:
    card = httpx.get(f"{served.url}/.well-known/agent-card.json").json()
    assert card["defaultInputModes"] == ["text/plain"]
    with pytest.raises(Exception, match="this agent takes no images"):
        await _ask(served, "1.0", new_raw_part(GIF, media_type="image/gif"))
    assert model.asked == []

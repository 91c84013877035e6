"""What an agent hears from the recorder in its provider's place."""

from __future__ import annotations

import asyncio
import json
import socket
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from builds.evaluation import recorder
from builds.evaluation.recorder import Recorder
from builds.evaluation.tape import Tape
from builds.trial import egress


async def _ask(path: Path, recording: Recorder, base_url: str, body: bytes = b"{}") -> bytes:
    """Ask through the proxy, as an agent does, and return all that comes."""
    provider = {"base_url_env": "MODEL_URL", "base_url": base_url, "key_env": ""}
    document = json.dumps({"provider": provider})
    environment, served = recording.between(document, {})
    assert environment == {"MODEL_URL": "http://model-url.recording/v1"}
    async with egress.proxy_server(path, set(), lambda *_: None, served=served):
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(b"CONNECT model-url.recording:80 HTTP/1.1\r\n\r\n")
        await reader.readuntil(b"\r\n\r\n")
        head = (
            f"POST /v1/chat HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        answer = await reader.read()
        writer.close()
    return answer


async def test_a_provider_that_can_not_be_reached_is_named(tmp_path: Path, settings: Settings) -> None:
    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/v1"
        recording = Recorder()
        answer = await _ask(tmp_path / "s", recording, url)
        assert answer.startswith(b"HTTP/1.1 502 ")
        assert b"127.0.0.1 could not be reached." in answer
        assert b".recording" not in answer
        replay = Recorder(Tape.loads(recording.tape.dumps([])))
        assert await _ask(tmp_path / "again", replay, url) == answer


async def test_a_private_address_needs_the_operator(tmp_path: Path) -> None:
    answer = await _ask(tmp_path / "s", Recorder(), "http://127.0.0.1:1/v1")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"An operator can allow it in AGENTFORGE_ALLOWED_HOSTS." in answer


async def test_a_request_without_end_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder, "_LONGEST_REQUEST", 3)
    assert await _ask(tmp_path / "s", Recorder(Tape()), "http://127.0.0.1:1/v1", b"long") == b""


@pytest.mark.parametrize("framing", ["Transfer-Encoding: chunked\r\n\r\n9\r\n", "Content-Length: 99\r\n\r\n"])
async def test_an_answer_that_was_broken_off_is_replayed_so(
    tmp_path: Path, settings: Settings, framing: str
) -> None:
    async def break_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n{framing}Not whole".encode())
        writer.close()

    settings.AGENTFORGE_ALLOWED_HOSTS = ["127.0.0.1"]
    recording = Recorder()
    async with await asyncio.start_server(break_off, "127.0.0.1", 0) as provider:
        port = provider.sockets[0].getsockname()[1]
        url = f"http://127.0.0.1:{port}/v1"
        assert (await _ask(tmp_path / "s", recording, url)).endswith((b"Not whole", b"Not whole\r\n"))
    replay = Recorder(Tape.loads(recording.tape.dumps([])))
    again = await _ask(tmp_path / "again", replay, url)
    # An end of the chunks would say that the answer is whole.
    assert again.endswith(b"\r\n\r\n9\r\nNot whole\r\n")
    assert b"transfer-encoding: chunked" in again.lower()

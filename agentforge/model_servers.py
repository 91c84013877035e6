"""LOCAL_MODEL_SERVERS: where other programs on this machine may serve models, and how to see that they do."""

from __future__ import annotations

import http.client
import ipaddress
import json
import queue
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from . import booleans

SECONDS = 0.3
_MOST_BYTES = 1024 * 1024
LABELS = {"ollama": "Ollama", "lm_studio": "LM Studio", "llama_cpp": "llama.cpp"}


class InvalidServers(ValueError):
    """LOCAL_MODEL_SERVERS can't be read; the message names what is wrong."""


@dataclass(frozen=True)
class ModelServer:
    """A kind of server (a key of LABELS) and the URL of its OpenAI-compatible API."""

    code: str
    url: str

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or 80


# Where they listen unless they are told otherwise: the documentation of each.
USUAL = (
    ModelServer("ollama", "http://127.0.0.1:11434/v1"),
    ModelServer("lm_studio", "http://127.0.0.1:1234/v1"),
    ModelServer("llama_cpp", "http://127.0.0.1:8080/v1"),
)


def parse(text: str, *, default: bool) -> tuple[ModelServer, ...]:
    """Return the servers to look for: those that a value names, or the usual ones; none if it is false.

    Raises InvalidServers for anything but a boolean or `ollama=http://127.0.0.1:11434/v1,…` on this machine.
    """
    if "=" not in text:
        try:
            return USUAL if booleans.parse("LOCAL_MODEL_SERVERS", text, default=default) else ()
        except booleans.NotBoolean as error:
            raise InvalidServers(str(error)) from None
    return tuple(_server(entry.strip()) for entry in text.split(",") if entry.strip())


def _server(entry: str) -> ModelServer:
    code, _, url = entry.partition("=")
    if code not in LABELS:
        raise InvalidServers(f"LOCAL_MODEL_SERVERS names {code!r}; known are {', '.join(LABELS)}.")
    if not _is_on_this_machine(url):
        raise InvalidServers(
            f"LOCAL_MODEL_SERVERS names {url!r}, which is no http address of this machine, such as "
            "http://127.0.0.1:11434/v1. For another machine, set LOCAL_MODEL_URL."
        )
    return ModelServer(code, url.rstrip("/"))


def _is_on_this_machine(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = ipaddress.ip_address(parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme == "http" and host.is_loopback and parts.username is None


def text(servers: Iterable[ModelServer]) -> str:
    """Return servers as a value that `parse` reads; "0" without any."""
    return ",".join(f"{server.code}={server.url}" for server in servers) or "0"


def find(
    candidates: Iterable[ModelServer], seconds: float = SECONDS
) -> list[tuple[ModelServer, tuple[str, ...]]]:
    """Return those that answer as a model server within so many seconds together, with their models."""
    deadline = time.monotonic() + seconds
    answers: queue.SimpleQueue[tuple[ModelServer, tuple[str, ...] | None]] = queue.SimpleQueue()

    def ask(server: ModelServer) -> None:
        models = None
        # Whatever else listens there may answer anything, or nothing.
        with suppress(OSError, http.client.HTTPException, ValueError, RecursionError):
            models = _models(server, seconds)
        answers.put((server, models))

    asked = list(candidates)
    for server in asked:
        threading.Thread(target=ask, args=(server,), name="model-servers", daemon=True).start()
    found = {}
    for _ in asked:
        # One that sends a byte now and then is not waited for.
        with suppress(queue.Empty):
            server, models = answers.get(timeout=max(0.0, deadline - time.monotonic()))
            if models is not None:
                found[server] = models
    return [(server, found[server]) for server in asked if server in found]


def _models(server: ModelServer, seconds: float) -> tuple[str, ...] | None:
    """Return a server's models; None if it is not of the kind that it should be."""
    base = urlsplit(server.url).path
    listed = _get(server, f"{base}/models", seconds)
    entries = listed.get("data") or [] if isinstance(listed, dict) and "data" in listed else None
    if not isinstance(entries, list):
        return None
    models = [entry for entry in entries if isinstance(entry, dict) and isinstance(entry.get("id"), str)]
    # An Ollama without a model lists none; then its own API says that it is one. Anything may use port 8080.
    if server.code == "ollama" and not models:
        return () if "version" in (_get(server, "/api/version", seconds) or {}) else None
    if server.code == "llama_cpp":
        models = [entry for entry in models if entry.get("owned_by") == "llamacpp"]
    return tuple(sorted(entry["id"] for entry in models)) or None


def _get(server: ModelServer, path: str, seconds: float) -> Any:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", server.port, timeout=seconds)
    try:
        connection.request("GET", path, headers={"Accept": "application/json"})
        response = connection.getresponse()
        return json.loads(response.read(_MOST_BYTES)) if response.status == 200 else None
    finally:
        connection.close()

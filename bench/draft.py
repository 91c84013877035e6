"""Measure from Enter to the first token of a draft's answer, in the browser's place.

The rival is the provider asked directly. The difference is what the forge adds: the request, the queue, the
sandbox, the agent's start, and the live stream.
"""

from __future__ import annotations

import http.client
import json
import os
import statistics
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .stage import agent, database

if TYPE_CHECKING:
    from agentforge.accounts.models import User
    from tests.drivers.sse_client import LiveConnection
    from tests.drivers.web_process import WebProcess
    from tests.standins.openai import OpenAIStandIn

ROUNDS, GOAL_MS = 20, 150


def main() -> None:
    from tests.standins.openai import OpenAIStandIn

    with OpenAIStandIn() as provider, database():
        # Read by the web process and the worker, which inherit it.
        os.environ["AGENTFORGE_ALLOWED_HOSTS"] = "127.0.0.1"
        direct = statistics.median(_direct(provider) for _ in range(ROUNDS))
        times = _through_the_forge(provider)
    added = statistics.median(times) - direct
    named = {"figure": "draft_first_token_ms", "value": round(statistics.median(times), 1)}
    rival = {"rival": "the provider asked directly", "rival_value": round(direct, 1)}
    facts = {"added_ms": round(added, 1), "goal_ms": GOAL_MS, "load": round(os.getloadavg()[0], 1)}
    print(json.dumps({**named, **rival, **facts}), flush=True)


def _direct(provider: OpenAIStandIn) -> float:
    """Return the milliseconds until the provider's first token."""
    parts = urlsplit(provider.url)
    body = json.dumps({"model": "gpt-x", "stream": True, "messages": [{"role": "user", "content": "Hello"}]})
    started = time.perf_counter()
    connection = http.client.HTTPConnection(str(parts.hostname), parts.port)
    headers = {"Authorization": f"Bearer {provider.key}", "Content-Type": "application/json"}
    connection.request("POST", f"{parts.path}/chat/completions", body, headers)
    response = connection.getresponse()
    while b'"content"' not in (line := response.readline()):
        if not line:
            raise SystemExit(f"The provider answered {response.status}.")
    connection.close()
    return (time.perf_counter() - started) * 1000


def _through_the_forge(provider: OpenAIStandIn) -> list[float]:
    from configs.announcements import ensure_stream
    from configs.keys.vault import save_key
    from configs.models import AgentConfig
    from tests.drivers.build_worker import WorkerProcess
    from tests.drivers.web_process import WebProcess

    ada = agent()
    save_key(ada.owner, "openai_compatible", provider.key, base_url=provider.url)
    AgentConfig.objects.filter(pk=ada.pk).update(provider="openai_compatible")
    ensure_stream(ada.pk, ada.owner_id)
    with WebProcess() as web, WorkerProcess(queues="trials", concurrency=16) as worker:
        worker.wait_until_it_lives()
        session = _session_of(ada.owner)
        with web.follow({"Cookie": f"sessionid={session}"}, ada.stream_name) as stream:
            # The first answer may compile the program, and imports what workers import late.
            return [_ask(web, stream, session, ada.pk) for _ in range(ROUNDS + 1)][1:]


def _session_of(owner: User) -> str:
    from django.test import Client

    from tests.drivers.people import sign_in

    client = Client(SERVER_NAME="localhost")
    sign_in(client, owner)
    return client.cookies["sessionid"].value


def _ask(web: WebProcess, stream: LiveConnection, session: str, pk: int) -> float:
    """Return the milliseconds from a question until its first token arrived on the stream."""
    csrf = "c" * 32
    headers = {
        "Cookie": f"sessionid={session}; csrftoken={csrf}",
        "X-CSRFToken": csrf,
        "Accept": "application/json",
        "Content-Type": "application/json",
    }
    connection = http.client.HTTPConnection("127.0.0.1", web.port)
    started = time.perf_counter()
    connection.request("POST", f"/agents/{pk}/draft/messages/", json.dumps({"content": "Hello"}), headers)
    response = connection.getresponse()
    if response.status != 202:
        raise SystemExit(f"The question got {response.status}: {response.read().decode()}")
    connection.close()
    first = 0.0
    for event in stream:
        for _, record in event.records:
            kind = record.get("event", {}).get("type")
            if kind == "token" and not first:
                first = (time.perf_counter() - started) * 1000
            if kind == "error":
                raise SystemExit(f"The draft did not answer: {record['event']}")
            if kind == "done":
                return first
    raise SystemExit("The stream ended.")


if __name__ == "__main__":
    main()

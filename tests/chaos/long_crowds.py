"""Slow agents, streams and half requests of others, at once, while one person works: part of `make chaos`."""

from __future__ import annotations

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.drivers.forge import Forge
from tests.standins.openai import OpenAIStandIn

from .crowd import Person, p95, sockets, stream_request

CHATS, STREAMS, HALF_REQUESTS = 22, 2_000, 500


def test_slow_chats_streams_and_half_requests_hold_nobody_up() -> None:
    root = Path(tempfile.mkdtemp(prefix="agentforge-chaos-"))
    root.chmod(0o755)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        model = stack.enter_context(OpenAIStandIn(needs_key=False))
        model.models = ["smollm2-135m"]
        forge = stack.enter_context(Forge(root, LOCAL_MODEL_URL=model.url, RATE_LIMIT_BUILDS="0"))
        forge.wait_until_ready()
        attackers = [Person.with_agents(forge.url, name, CHATS // 2) for name in ("mallory", "oscar")]
        victim = Person.with_agents(forge.url, "alice", 1)
        for person in (*attackers, victim):
            person.wait_for_builds()
        quiet = victim.page_seconds(20)
        model.go_on.clear()
        # Whatever happens here: a model that answers nobody would keep the forge from ending.
        stack.callback(model.go_on.set)
        for attacker in attackers:
            for agent in attacker.agents:
                attacker.ask(agent)
        streams = [sockets(forge.url, STREAMS // 2, stream_request(attacker)) for attacker in attackers]
        for crowd in (*streams, sockets(forge.url, HALF_REQUESTS, b"GET / HTTP/1.1\r\nX-Slow: ")):
            stack.enter_context(crowd)
        began = victim.seconds_until_an_answer_begins()
        seconds = victim.page_seconds(60)
        print(
            f"\nPages: p95 {p95(quiet):.3f} s alone, {p95(seconds):.3f} s in the crowd, at most"
            f" {max(seconds):.3f} s. The answer began after {began:.3f} s."
        )
        assert p95(seconds) < 1
        assert began < 3
        model.go_on.set()
        forge.stop()
        assert forge.processes() == []

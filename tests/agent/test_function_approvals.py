"""Processes of a function that share no directory run an approved call once, by Netlify's Blobs."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.drivers.agent_programs import compiled, environment_for
from tests.standins.blobs_peer import BlobsPeer
from tests.standins.blobs_peer import serving as serving_blobs
from tests.standins.lambda_runtime import LambdaRuntime
from tests.standins.netlify_blobs import NetlifyBlobs
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Call, Calls, Text

SUM = Calls((Call("calculator", {"expression": "6*7"}),))
QUESTION = [{"role": "user", "content": "6*7?"}]
KEY = "ab" * 16
Events = list[dict[str, Any]]


@contextmanager
def instance(model: OpenAIStandIn, variables: dict[str, str], **fields: str) -> Iterator[LambdaRuntime]:
    """Run one process of the function, whose calculator asks first."""
    with LambdaRuntime(**fields) as platform:
        program = compiled("function", asking="calculator")
        environment = environment_for(model) | variables | {"AWS_LAMBDA_RUNTIME_API": platform.address}
        with subprocess.Popen([program], env=environment, stderr=subprocess.DEVNULL) as process:
            try:
                yield platform
            finally:
                process.kill()


@contextmanager
def instances(model: OpenAIStandIn, count: int = 2, **fields: str) -> Iterator[list[LambdaRuntime]]:
    with ExitStack() as stack:
        yield [stack.enter_context(instance(model, {"AGENT_STATE_KEY": KEY}, **fields)) for _ in range(count)]


def send(platform: LambdaRuntime, **approval: Any) -> Events:
    body = {"messages": QUESTION, "approval": {"ask": True, **approval}}
    answer = platform.invoke("/.netlify/functions/agent/chat", body)
    if answer["statusCode"] != 200:
        return [json.loads(answer["body"])]
    return [json.loads(line[6:]) for line in answer["body"].splitlines() if line.startswith("data: ")]


def waiting(platform: LambdaRuntime, model: OpenAIStandIn) -> dict[str, Any]:
    """Ask until a call waits; return what approves it."""
    model.replies.extend([SUM, Text.of("It is 42.")])
    events = send(platform)
    (asked,) = [event for event in events if event["type"] == "approval"]
    return {"state": events[-1]["state"], "answers": [{"id": asked["id"], "answer": "once"}]}


def ran(deliveries: list[Events]) -> list[str]:
    """Return the results of the calls that ran."""
    return [event["result"] for events in deliveries for event in events if event["type"] == "tool_result"]


def refusals(deliveries: list[Events]) -> list[str]:
    return [events[-1]["message"] for events in deliveries if events[-1]["type"] == "error"]


def test_delivered_to_both_at_once_it_runs_once(model: OpenAIStandIn) -> None:
    with NetlifyBlobs() as blobs, instances(model, blobs=blobs.field) as (first, second):
        for number in range(5):
            approval = waiting((first, second)[number % 2], model)
            together = threading.Barrier(2)

            def deliver(
                platform: LambdaRuntime, approval: Any = approval, together: Any = together
            ) -> list[Events]:
                together.wait(30)
                return [send(platform, **approval) for _ in range(3)]

            with ThreadPoolExecutor(2) as pool:
                deliveries = [each for some in pool.map(deliver, (first, second)) for each in some]
            assert ran(deliveries) == ["42"]
            assert len(refusals(deliveries)) == 5
            assert all("answered already" in refusal for refusal in refusals(deliveries))
            assert not model.replies


@pytest.mark.parametrize("way", ["event", "context"])
def test_the_real_server_of_blobs_keeps_the_second_from_running(
    model: OpenAIStandIn, tmp_path: Path, way: str
) -> None:
    with serving_blobs(tmp_path) as blobs, ExitStack() as stack:
        first, second = (stack.enter_context(_reaching(model, blobs, way)) for _ in range(2))
        approval = waiting(first, model)
        deliveries = [send(platform, **approval) for platform in (second, first, second)]
        assert ran(deliveries) == ["42"]
        assert len(refusals(deliveries)) == 2


@contextmanager
def _reaching(model: OpenAIStandIn, blobs: BlobsPeer, way: str) -> Iterator[LambdaRuntime]:
    variables = {"AGENT_STATE_KEY": KEY}
    if way == "context":
        with instance(model, variables | {"NETLIFY_BLOBS_CONTEXT": blobs.context}) as platform:
            yield platform
        return
    with instance(model, variables, blobs=blobs.field) as platform:
        yield platform


def test_without_an_answer_of_blobs_nothing_runs(model: OpenAIStandIn) -> None:
    with NetlifyBlobs() as blobs, instances(model, 1, blobs=blobs.field) as (function,):
        approval = waiting(function, model)
        blobs.broken = 503
        failed = send(function, **approval)
        assert ran([failed]) == []
        (refusal,) = refusals([failed])
        assert refusal.startswith("nothing ran") and "status 503" in refusal
        blobs.broken = 0
        assert ran([send(function, **approval)]) == ["42"]


def test_what_no_longer_counts_is_removed(model: OpenAIStandIn) -> None:
    with NetlifyBlobs() as blobs, instances(model, 1, blobs=blobs.field) as (function,):
        store = f"{blobs.site}/site:agent-approvals"
        blobs.blobs |= {f"{store}/1000-old": b"", f"{store}/mine": b""}
        approval = waiting(function, model)
        assert ran([send(function, **approval)]) == ["42"]
        assert f"{store}/1000-old" not in blobs.blobs and f"{store}/mine" in blobs.blobs
        assert len(blobs.blobs) == 2


@pytest.mark.parametrize("key", [KEY, ""])
def test_without_blobs_nobody_is_asked_whose_answer_could_count_twice(model: OpenAIStandIn, key: str) -> None:
    model.replies.extend([SUM, Text.of("Nobody said yes.")])
    with instance(model, {"AGENT_STATE_KEY": key}) as function:
        events = send(function)
    if key:
        (result,) = ran([events])
        assert "nobody can be asked here" in result
    else:
        # A state that only this process opens.
        assert events[-1]["finish"] == "approval"

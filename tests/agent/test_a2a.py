"""Another agent talks to a served agent over A2A, in both versions."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from tests.drivers.agent_programs import Served
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Failure

NEW = {"A2A-Version": "1.0"}


def rpc(served: Served, method: str, params: dict[str, Any], **headers: str) -> httpx.Response:
    request = {"jsonrpc": "2.0", "id": "a", "method": method, "params": params}
    return httpx.post(f"{served.url}/a2a", json=request, headers=headers)


def question(text: str, **fields: str) -> dict[str, Any]:
    return {"message": {"messageId": "m", "role": "ROLE_USER", "parts": [{"text": text}], **fields}}


def test_the_card_leads_to_the_agent(served: Served) -> None:
    answer = httpx.get(f"{served.url}/.well-known/agent-card.json")
    card = answer.json()
    assert card["supportedInterfaces"][0] == {
        "url": f"{served.url}/a2a",
        "protocolBinding": "JSONRPC",
        "protocolVersion": "1.0",
    }
    assert (card["name"], card["capabilities"]["streaming"]) == ("Sample Agent", True)
    assert card["skills"][0]["tags"]
    same = httpx.get(answer.url, headers={"If-None-Match": answer.headers["ETag"]})
    assert same.status_code == 304


def test_a_conversation_in_tasks(served: Served, model: OpenAIStandIn) -> None:
    task = rpc(served, "SendMessage", question("I am Ada."), **NEW).json()["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_COMPLETED"
    assert task["artifacts"][0]["parts"] == [{"text": "You said: I am Ada."}]
    rpc(served, "SendMessage", question("Who am I?", contextId=task["contextId"]), **NEW)
    sent = [message["content"] for message in model.asked[-1].json["messages"]]
    assert sent[1:] == ["I am Ada.", "You said: I am Ada.", "Who am I?"]
    found = rpc(served, "GetTask", {"id": task["id"]}, **NEW).json()["result"]
    assert found["artifacts"] == task["artifacts"]
    listed = rpc(served, "ListTasks", {"contextId": task["contextId"]}, **NEW).json()["result"]
    assert len(listed["tasks"]) == 2


@pytest.mark.parametrize("version", ["1.0", "0.3"])
def test_a_stream_ends_with_its_task(served: Served, model: OpenAIStandIn, version: str) -> None:
    old = {
        "message": {
            "kind": "message",
            "messageId": "m",
            "role": "user",
            "parts": [{"kind": "text", "text": "Hello there"}],
        }
    }
    if version == "1.0":
        answer = rpc(served, "SendStreamingMessage", question("Hello there"), **NEW)
    else:
        answer = rpc(served, "message/stream", old)
    lines = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    results = [json.loads(line)["result"] for line in lines]
    kinds = [result.get("kind") or next(iter(result)) for result in results]
    if version == "1.0":
        assert kinds[0] == "task"
        assert set(kinds[2:-1]) == {"artifactUpdate"}
        words = [r["artifactUpdate"]["artifact"]["parts"][0]["text"] for r in results[2:-1]]
        assert results[-1]["statusUpdate"]["status"]["state"] == "TASK_STATE_COMPLETED"
    else:
        assert kinds[:2] == ["task", "status-update"]
        words = [r["artifact"]["parts"][0]["text"] for r in results[2:-1]]
        assert (results[-1]["status"]["state"], results[-1]["final"]) == ("completed", True)
    assert "".join(words) == "You said: Hello there"


def test_a_failure_of_the_provider_fails_the_task(served: Served, model: OpenAIStandIn) -> None:
    model.replies.append(Failure(401, "invalid_api_key", "Incorrect API key provided."))
    task = rpc(served, "SendMessage", question("Hello"), **NEW).json()["result"]["task"]
    assert task["status"]["state"] == "TASK_STATE_FAILED"
    assert model.key not in json.dumps(task)

"""Stand in for another agent that speaks A2A over JSON-RPC, without streams.

Set `card` to what it says of itself, `key` to the only one that it accepts, and `said` to what it answers: a
status and the words with it, which are the artifact of a completed task.
https://a2a-protocol.org/latest/specification/
"""

from __future__ import annotations

from typing import Any

from .server import Answer, Asked, StandIn, as_json

CARD_PATH = "/.well-known/agent-card.json"


class A2AStandIn(StandIn):
    def __init__(self, key: str = "") -> None:
        super().__init__()
        self.key = key
        self.said = ("COMPLETED", "The tide is low.")
        place = {"url": f"{self.origin}/a2a", "protocolBinding": "JSONRPC", "protocolVersion": "1.0"}
        self.card: dict[str, Any] = {
            "name": "Harbour master",
            "description": "Knows the tides.",
            "version": "1.0.0",
            "supportedInterfaces": [place, {**place, "protocolVersion": "0.3"}],
            "capabilities": {"streaming": False},
            "skills": [
                {"id": "tides", "name": "Tides", "description": "High and low water.", "tags": ["sea"]}
            ],
        }
        # Each question, as it was sent.
        self.questions: list[dict[str, Any]] = []

    @property
    def url(self) -> str:
        return f"{self.origin}{CARD_PATH}"

    def answer(self, asked: Asked) -> Answer:
        if asked.method == "GET":
            return as_json(self.card) if asked.path.endswith(".json") else Answer(404)
        if self.key and asked.headers.get("authorization") != f"Bearer {self.key}":
            return as_json({"error": "unauthorized"}, 401)
        message = asked.json
        head = {"jsonrpc": "2.0", "id": message["id"]}
        if message["method"] not in ("SendMessage", "message/send"):
            return as_json({**head, "error": {"code": -32001, "message": "there is no such task"}})
        self.questions.append(message["params"])
        task = self._task()
        if message["method"] == "message/send":
            task["status"]["state"] = task["status"]["state"].lower()
            return as_json({**head, "result": {"kind": "task", **task}})
        task["status"]["state"] = f"TASK_STATE_{task['status']['state']}"
        return as_json({**head, "result": {"task": task}})

    def _task(self) -> dict[str, Any]:
        state, words = self.said
        parts = {"parts": [{"kind": "text", "text": words}]}
        if state == "COMPLETED":
            return {"id": "task-1", "status": {"state": state}, "artifacts": [{"artifactId": "a", **parts}]}
        return {"id": "task-1", "status": {"state": state, "message": parts}}

    def pinned(self, name: str, protocol: str = "1.0") -> dict[str, Any]:
        """Return the agent as agent.json names it."""
        skills = [{key: skill[key] for key in ("id", "name", "description")} for skill in self.card["skills"]]
        card = {
            "name": self.card["name"],
            "function": f"agent_{name}",
            "description": self.card["description"],
            "skills": skills,
            "endpoint": f"{self.origin}/a2a",
            "protocol": protocol,
        }
        return {"name": name, "url": self.url, "cards": [card]}

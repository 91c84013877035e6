"""Stand in for AWS Lambda's Runtime API (version 2018-06-01), as Netlify runs Go functions with it."""

from __future__ import annotations

import json
import queue
from typing import Any

from .server import Answer, Asked, StandIn

_BASE = "/2018-06-01/runtime"
_SECONDS = 60


class LambdaRuntime(StandIn):
    """Hand a function one event at a time, and take its answers."""

    def __init__(self, **fields: str) -> None:
        """Give these fields with each event, as Netlify does with `blobs`."""
        super().__init__()
        self._fields = fields
        self._events: queue.Queue[bytes] = queue.Queue()
        self._answers: queue.Queue[tuple[str, bytes]] = queue.Queue()

    @property
    def address(self) -> str:
        """Return what the platform gives as AWS_LAMBDA_RUNTIME_API."""
        return self.origin.removeprefix("http://")

    def invoke(self, path: str, body: Any, method: str = "POST") -> dict[str, Any]:
        """Send JSON to the function, as version 1 of the HTTP gateway tells it, and return its answer."""
        event = {
            "path": path,
            "httpMethod": method,
            "headers": {
                "content-type": "application/json",
                "host": "agent.example",
                "x-nf-site-id": "site-1",
            },
            "multiValueHeaders": {"content-type": ["application/json"]},
            "queryStringParameters": {},
            "rawQuery": "",
            "body": json.dumps(body),
            "isBase64Encoded": False,
            **self._fields,
        }
        self._events.put(json.dumps(event).encode())
        where, answer = self._answers.get(timeout=_SECONDS)
        assert where == f"{_BASE}/invocation/one/response", answer
        found: dict[str, Any] = json.loads(answer)
        return found

    def answer(self, asked: Asked) -> Answer:
        if asked.path == f"{_BASE}/invocation/next":
            try:
                event = self._events.get(timeout=_SECONDS)
            except queue.Empty:
                return Answer(410)
            named = {
                "Lambda-Runtime-Aws-Request-Id": "one",
                "Lambda-Runtime-Deadline-Ms": "99999999999999",
            }
            return Answer(200, event, named)
        self._answers.put((asked.path, asked.body))
        return Answer(202)

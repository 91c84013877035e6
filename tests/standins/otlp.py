"""An OpenTelemetry collector: takes spans over HTTP in JSON, as the protocol's specification has it.

https://opentelemetry.io/docs/specs/otlp/#otlphttp
"""

from __future__ import annotations

import re
from typing import Any

from .server import Answer, Asked, StandIn, as_json

_IDS = {"traceId": r"[0-9a-f]{32}", "spanId": r"[0-9a-f]{16}", "parentSpanId": r"([0-9a-f]{16})?"}


class OtlpStandIn(StandIn):
    """Keeps the spans that it takes; `status` is what it answers."""

    status = 200

    def __init__(self) -> None:
        super().__init__()
        self.spans: list[dict[str, Any]] = []

    def answer(self, asked: Asked) -> Answer:
        """Refuse what a collector would not understand."""
        if self.status != 200:
            return as_json({"message": "busy"}, self.status)
        if (asked.method, asked.path) != ("POST", "/v1/traces"):
            return as_json({"message": "no such place"}, 404)
        for resource in asked.json["resourceSpans"]:
            about = _plain(resource["resource"]["attributes"])
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    if not all(re.fullmatch(form, span[name]) for name, form in _IDS.items()):
                        return as_json({"message": "an id is malformed"}, 400)
                    if int(span["startTimeUnixNano"]) > int(span["endTimeUnixNano"]):
                        return as_json({"message": "it ends before it begins"}, 400)
                    self.spans.append({**span, "resource": about, "attributes": _plain(span["attributes"])})
        return as_json({"partialSuccess": {}})

    def named(self, name: str) -> dict[str, Any]:
        """Return the only span of a name."""
        (span,) = [span for span in self.spans if span["name"] == name]
        return span


def _plain(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {each["key"]: next(iter(each["value"].values())) for each in attributes}

"""Describe to scripts the stream of events, which is served beside Django's URLs."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe_path
from agentforge.openapi.schemas import STRING, array

describe_path(
    "/live/",
    get=Operation(
        "Follow builds and agents as Server-Sent Events",
        media="text/event-stream",
        parameters={"channel": {**array(STRING), "minItems": 1, "maxItems": 20}, "last_event_id": STRING},
        note="Channels are named in the answers (`channel`). Nothing is lost: ask again with Last-Event-ID.",
    ),
)

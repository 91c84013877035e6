"""OpenAPI description of the event stream, which is served outside Django's URLs."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe_path
from agentforge.openapi.schemas import STRING, array, record

from .admission import MAX_CHANNELS

describe_path(
    "/live/",
    get=Operation(
        "Follow builds and agents as Server-Sent Events",
        media="text/event-stream",
        document=record({"id": STRING, "event": STRING, "data": STRING}),
        parameters={
            "channel": {**array(STRING), "minItems": 1, "maxItems": MAX_CHANNELS},
            "last_event_id": STRING,
            "page": STRING,
        },
        refusals={
            400: "No or too many channels, or a last_event_id that is malformed or ahead of its channel.",
            405: "Streams are read by GET.",
            429: "Too many open streams of this user or network address.",
        },
        ends="All channels have ended and were received completely.",
        note="Responses name their `channel`. To lose nothing, reconnect with Last-Event-ID. A new stream "
        "with the same `page`, an id of your choice, replaces the older one.",
    ),
)

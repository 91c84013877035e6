"""Describe to scripts the addresses of builds and of the trial chat."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    NUMBER,
    STRING,
    TIME,
    array,
    mapping,
    nullable,
    one_of,
    record,
)

from .forms import MessageForm
from .models import BuildStatus, ChatMessage, MessageStatus

_BUILD = record(
    {
        "id": INTEGER,
        "url": STRING,
        "agent": INTEGER,
        "revision": INTEGER,
        "revision_sha256": STRING,
        "target": STRING,
        "status": one_of(BuildStatus.values),
        "from_cache": BOOLEAN,
        "sandbox": STRING,
        "error": STRING,
        "exit_code": nullable(INTEGER),
        "attempts": INTEGER,
        "created_at": TIME,
        "started_at": nullable(TIME),
        "finished_at": nullable(TIME),
        "seconds": nullable(NUMBER),
        "channel": STRING,
        "files": mapping(record({"sha256": STRING, "size": INTEGER})),
    }
)
_MESSAGE = record(
    {
        "id": INTEGER,
        "role": one_of(ChatMessage.Role.values),
        "status": one_of(MessageStatus.values),
        "content": STRING,
        "tool_calls": array(mapping(ANYTHING)),
        "usage": mapping(ANYTHING),
        "network": array(record({"host": STRING, "port": nullable(INTEGER), "allowed": BOOLEAN})),
        "error": STRING,
    }
)
_PAGE = {"page": INTEGER}

describe("builds:list", get=Operation("List your builds", {"builds": array(_BUILD)}, parameters=_PAGE))
describe("builds:agent", get=Operation("List an agent's builds", {"builds": array(_BUILD)}, parameters=_PAGE))
describe("builds:compile", post=Operation("Compile an agent", {"build": _BUILD}, 201))
describe("builds:detail", get=Operation("Get a build", {"build": _BUILD}))
describe("builds:log", get=Operation("Get a build's log", media="text/plain"))
describe("builds:cancel", post=Operation("Cancel a build", {"build": _BUILD}, refusable=True))
describe("builds:retry", post=Operation("Build again", {"build": _BUILD}, 201, refusable=True))
describe("builds:download", get=Operation("Download a build as a zip", media="application/zip"))
describe("builds:file", get=Operation("Download one file of a build", media="application/octet-stream"))
describe("builds:try", get=Operation("Get the chat with an agent", {"messages": array(_MESSAGE)}))
describe(
    "builds:send",
    post=Operation(
        "Ask an agent; the stream brings the answer",
        {"channel": STRING, "messages": array(_MESSAGE)},
        202,
        forms=[MessageForm],
        refusable=True,
    ),
)
describe("builds:stop", post=Operation("Stop the answer that is coming", {"stopped": BOOLEAN}))
describe("builds:clear", post=Operation("Delete the chat", {"deleted": INTEGER}, refusable=True))

"""OpenAPI descriptions of the URLs of conversations with builds and drafts."""

from __future__ import annotations

from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    ANYTHING,
    BOOLEAN,
    INTEGER,
    STRING,
    TIME,
    array,
    mapping,
    nullable,
    one_of,
    record,
)
from builds.forms import (
    ApprovalForm,
    ConversationExportForm,
    ConversationForm,
    ConversationTitleForm,
    QuestionForm,
    TextForm,
)
from builds.models import ChatMessage, MessageStatus

_MESSAGE = record(
    {
        "id": INTEGER,
        "role": one_of(ChatMessage.Role.values),
        "source": one_of(ChatMessage.Source.values),
        "speaker": STRING,
        "status": one_of(MessageStatus.values),
        "content": STRING,
        "images": INTEGER,
        "tool_calls": array(mapping(ANYTHING)),
        "citations": array(mapping(ANYTHING)),
        "usage": mapping(ANYTHING),
        "network": array(record({"host": STRING, "port": nullable(INTEGER), "allowed": BOOLEAN})),
        "error": STRING,
        "duration_ms": nullable(INTEGER),
        "waiting": STRING,
        "approvals": array(mapping(ANYTHING)),
    }
)


_NEWEST = {"messages": array(_MESSAGE), "has_earlier": BOOLEAN}
_CONVERSATION = record({"id": INTEGER, "title": STRING, "active_at": TIME})
_SHOWN = {**_NEWEST, "conversations": array(_CONVERSATION)}
describe(
    "builds:try",
    get=Operation("Get a conversation with an agent, and the list of all", _SHOWN, query=ConversationForm),
)


def _export(words: str) -> Operation:
    file = record({"agent": mapping(STRING), "title": STRING, "messages": array(mapping(ANYTHING))})
    return Operation(words, media="text/markdown", or_json=file, query=ConversationExportForm)


describe("builds:conversation_export", get=_export("Download a conversation"))
describe("builds:draft_export", get=_export("Download a conversation with a draft"))
describe(
    "builds:conversation_rename",
    post=Operation("Rename a conversation", {"title": STRING}, forms=[ConversationTitleForm]),
)
describe(
    "builds:send",
    post=Operation(
        "Ask an agent; its answer arrives on the stream",
        {"channel": STRING, "messages": array(_MESSAGE)},
        202,
        forms=[QuestionForm],
        refusable=True,
    ),
)
describe("builds:message", get=Operation("Get one message of a chat", {"message": _MESSAGE}))
describe("builds:message_image", get=Operation("Get an image of a question", media="image/*"))
_ASKED = {"channel": STRING, "messages": array(_MESSAGE)}
describe(
    "builds:message_regenerate",
    post=Operation("Replace the last answer by a new one", _ASKED, 202, refusable=True),
)
describe(
    "builds:message_approve",
    post=Operation(
        "Answer a call that waits for a person",
        {"channel": STRING, "message": _MESSAGE},
        202,
        forms=[ApprovalForm],
        refusable=True,
    ),
)
describe(
    "builds:message_resend",
    post=Operation("Replace a question and what followed it", _ASKED, 202, forms=[TextForm], refusable=True),
)
describe(
    "builds:stop",
    post=Operation("Stop the pending answer", {"stopped": BOOLEAN}, forms=[ConversationForm]),
)
describe(
    "builds:clear",
    post=Operation(
        "Delete a conversation, or all",
        {"deleted": INTEGER},
        forms=[ConversationForm],
        refusable=True,
        note="Without `conversation`, all conversations with the agent's builds are deleted.",
    ),
)
describe(
    "builds:draft",
    get=Operation("Get a conversation with a draft, and the list of all", _SHOWN, query=ConversationForm),
)
describe(
    "builds:draft_send",
    post=Operation(
        "Ask a draft, without compiling it; its answer arrives on the stream",
        {"channel": STRING, "messages": array(_MESSAGE)},
        202,
        forms=[QuestionForm],
        refusable=True,
    ),
)
describe(
    "builds:draft_stop",
    post=Operation("Stop the draft's pending answer", {"stopped": BOOLEAN}, forms=[ConversationForm]),
)
describe(
    "builds:draft_clear",
    post=Operation(
        "Delete a conversation with a draft, or all",
        {"deleted": INTEGER},
        forms=[ConversationForm],
        refusable=True,
        note="Without `conversation`, all conversations with the agent's draft are deleted.",
    ),
)

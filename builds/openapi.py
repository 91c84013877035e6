"""OpenAPI descriptions of the builds and of the trial chat."""

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
from agentforge.pagination import PageForm

from .evaluation.forms import CasesForm, EvaluationPageForm, RunForm
from .forms import (
    ApprovalForm,
    BuildListForm,
    ConversationExportForm,
    ConversationForm,
    ConversationTitleForm,
    LogRangeForm,
    LogSearchForm,
    QuestionForm,
    TargetForm,
    TextForm,
)
from .models import BuildStatus, BuildVerification, ChatMessage, Evaluation, EvaluationRun, MessageStatus
from .remote.forms import BuilderForm

_GONE = {410: "The files were removed.", 412: "If-Match names another file."}
_TARGET = record(
    {
        "target": STRING,
        "status": one_of(BuildStatus.values),
        "from_cache": BOOLEAN,
        "builder": STRING,
        "builder_reason": STRING,
        "sandbox": STRING,
        "toolchain": mapping(ANYTHING),
        "error": STRING,
        "exit_code": nullable(INTEGER),
        "input_digest": STRING,
        "steps": array(STRING),
        "started_at": nullable(TIME),
        "finished_at": nullable(TIME),
        "seconds": nullable(NUMBER),
    }
)
BUILD = record(
    {
        "id": INTEGER,
        "url": STRING,
        "agent": INTEGER,
        "revision": INTEGER,
        "revision_sha256": STRING,
        "status": one_of(BuildStatus.values),
        "from_cache": BOOLEAN,
        "targets": array(_TARGET),
        "error": STRING,
        "attempts": INTEGER,
        "queue": nullable(record({"position": INTEGER, "starts_in": nullable(NUMBER)})),
        "created_at": TIME,
        "started_at": nullable(TIME),
        "finished_at": nullable(TIME),
        "seconds": nullable(NUMBER),
        "channel": STRING,
        "pinned": BOOLEAN,
        "expires_at": nullable(TIME),
        "expired_at": nullable(TIME),
        "files": mapping(record({"sha256": STRING, "size": INTEGER})),
    }
)
_LINE = record(
    {
        "n": INTEGER,
        "part": INTEGER,
        "i": INTEGER,
        "t": NUMBER,
        "stream": one_of(("out", "err", "sys")),
        "text": STRING,
        "section": STRING,
        "mark": BOOLEAN,
    }
)
_LOG = record(
    {
        "position": INTEGER,
        "ended": BOOLEAN,
        "lines": INTEGER,
        "first_error": nullable(INTEGER),
        "parts": array(
            record(
                {
                    "part": INTEGER,
                    "name": STRING,
                    "state": STRING,
                    "ms": nullable(INTEGER),
                    "lines": INTEGER,
                    "stderr": INTEGER,
                }
            )
        ),
    }
)
_VERIFICATION = record(
    {
        "id": INTEGER,
        "status": one_of(BuildVerification.Status.values),
        "findings": array(STRING),
        "created_at": TIME,
        "finished_at": nullable(TIME),
        "channel": STRING,
    }
)
_EVALUATION_RUN = record(
    {
        "id": INTEGER,
        "url": STRING,
        "subject": STRING,
        "status": one_of(EvaluationRun.Status.values),
        "replayed": nullable(INTEGER),
        "is_recorded": BOOLEAN,
        "trials": INTEGER,
        "error": STRING,
        "results": array(
            record(
                {
                    "name": STRING,
                    "trials": array(
                        record(
                            {
                                "failures": array(STRING),
                                "text": STRING,
                                "tools": array(STRING),
                                "seconds": NUMBER,
                                "tokens": INTEGER,
                                "verdicts": array(
                                    record({"rubric": STRING, "passed": BOOLEAN, "reason": STRING})
                                ),
                                "judge_tokens": INTEGER,
                                "judge_dollars": nullable(NUMBER),
                            }
                        )
                    ),
                }
            )
        ),
        "created_at": TIME,
        "finished_at": nullable(TIME),
    }
)
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

describe("builds:list", get=Operation("List your builds", {"builds": array(BUILD)}, query=BuildListForm))
describe("builds:agent", get=Operation("List an agent's builds", {"builds": array(BUILD)}, query=PageForm))
describe(
    "builds:compile",
    post=Operation("Compile an agent", {"build": BUILD}, 201, forms=[TargetForm]),
)
describe("builds:detail", get=Operation("Get a build", {"build": BUILD}))
describe("builds:log", get=Operation("Get a build's log", media="text/plain"))
describe(
    "builds:log_lines",
    get=Operation(
        "Get a range of a build's log",
        {"log": _LOG, "lines": array(_LINE)},
        query=LogRangeForm,
        note="`from` and `to` count from 1 and are both included; at most 2,000 lines. With `part` they "
        "count within that part, with `stream=err` within stderr.",
    ),
)
describe(
    "builds:log_search",
    get=Operation(
        "Search a build's log",
        {"position": INTEGER, "total": INTEGER, "hits": array(array(INTEGER))},
        query=LogSearchForm,
        note="Each hit is a line's number, its part, and its position in the part (or in the part's stderr).",
    ),
)
describe("builds:cancel", post=Operation("Cancel a build", {"build": BUILD}, refusable=True))
describe("builds:retry", post=Operation("Build again", {"build": BUILD}, 201, refusable=True))
describe(
    "builds:retry_elsewhere",
    post=Operation(
        "Build again with a builder of your choice",
        {"build": BUILD},
        201,
        forms=[BuilderForm],
        refusable=True,
        note="`builder` is `local`, or the name of a remote builder of this forge.",
    ),
)
describe("builds:pin", post=Operation("Keep a build's files", {"build": BUILD}, refusable=True))
describe("builds:unpin", post=Operation("Let a build's files expire", {"build": BUILD}, refusable=True))
describe(
    "builds:verify",
    post=Operation("Verify a build by repeating it", {"verification": _VERIFICATION}, 202, refusable=True),
)
describe(
    "builds:signing_key",
    get=Operation("Get the public signing key", media="application/x-pem-file", public=True),
)
describe(
    "builds:download", get=Operation("Download a build as a zip", media="application/zip", refusals=_GONE)
)
describe(
    "builds:file",
    get=Operation(
        "Download one file of a build",
        media="application/octet-stream",
        refusals={**_GONE, 416: "The range begins after the end of the file."},
        note="A single range (`Range`, `If-Range`) resumes a download: 206.",
    ),
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
    "builds:evaluation",
    get=Operation(
        "Get an agent's cases and the runs of its evaluation",
        {"cases": STRING, "gate": one_of(Evaluation.Gate.values), "runs": array(_EVALUATION_RUN)},
        query=EvaluationPageForm,
    ),
    post=Operation(
        "Save an agent's cases",
        {"cases": INTEGER, "trials": INTEGER, "notes": array(STRING)},
        forms=[CasesForm],
    ),
)
describe(
    "builds:evaluation_start",
    post=Operation(
        "Evaluate an agent's newest build, or its draft",
        {"run": _EVALUATION_RUN},
        202,
        forms=[RunForm],
        refusable=True,
    ),
)
describe(
    "builds:evaluation_promptfoo",
    get=Operation("Download an agent's cases as a file of promptfoo's", media="application/yaml"),
)
describe("builds:evaluation_stop", post=Operation("Stop an agent's evaluation", {"stopped": BOOLEAN}))
describe("builds:evaluation_run", get=Operation("Get a run of an evaluation", {"run": _EVALUATION_RUN}))
describe(
    "builds:evaluation_junit",
    get=Operation("Download a run as JUnit XML", media="application/xml"),
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

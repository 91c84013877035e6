"""OpenAPI descriptions of the URLs of builds, their logs and files."""

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
from builds.forms import BuildListForm, LogRangeForm, LogSearchForm, TargetForm
from builds.models import BuildStatus, BuildVerification
from builds.remote.forms import BuilderForm

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

"""What belongs to a person in the apps above this one: what they take along, and what has to end first."""

from __future__ import annotations

import json
import tempfile
import textwrap
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import IO, Any

from django.conf import settings

from agentforge.audit.models import AuditEvent
from agentforge.tenancy.rls import as_service

from .models import User
from .throttling.acts import Act, performs

# A file's path in the archive, and its bytes or its text, which may come in pieces where it is long.
Files = Iterable[tuple[str, bytes | str | Iterable[str]]]
_exporters: list[Callable[[User], Files]] = []
_obstacles: list[Callable[[User], str]] = []
_stops: list[Callable[[User], None]] = []


def register_export(export: Callable[[User], Files]) -> None:
    """Add files to everybody's export; they must contain no secrets."""
    _exporters.append(export)


def register_obstacle(obstacle: Callable[[User], str]) -> None:
    """Add a reason why an account can't be deleted at present; empty if there is none."""
    _obstacles.append(obstacle)


def register_stop(stop: Callable[[User], None]) -> None:
    """Add how to end a user's work that is under way."""
    _stops.append(stop)


def stop_work(user: User) -> None:
    """Ask for an end of everything of a user's that is under way; workers may take a while."""
    for stop in _stops:
        stop(user)


def obstacles(user: User) -> list[str]:
    """Return why a user's rows can't be deleted now."""
    return [reason for obstacle in _obstacles if (reason := obstacle(user))]


@performs(Act.EXPORT_ACCOUNT)
def archive(user: User) -> IO[bytes]:
    """Return an open ZIP archive of everything that a user has here, without keys and passwords."""
    # On the disk, because all of it may be a few hundred megabytes.
    with ExitStack() as failed:
        file = failed.enter_context(tempfile.TemporaryFile(dir=settings.VAR_DIR))
        _write(file, _files(user))
        file.seek(0)
        # From here on, the caller closes it.
        failed.pop_all()
    return file


def _write(file: IO[bytes], files: Files) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for path, content in files:
            if isinstance(content, (bytes, str)):
                archive.writestr(path, content)
                continue
            with archive.open(path, "w") as entry:
                for piece in content:
                    entry.write(piece.encode())


def _files(user: User) -> Files:
    yield "account.json", as_json({"email": user.email, "created_at": user.created_at})
    yield from _access(user)
    events = AuditEvent.objects.owned_by(user)
    yield "activity.json", as_json_list(_event(event) for event in events.iterator())
    for export in _exporters:
        yield from export(user)


def _access(user: User) -> Files:
    """Return from where the user is signed in, and the names of the tokens for scripts."""
    names = ("name", "scope", "hint", "created_at", "expires_at", "last_used_at")
    # Both tables hold secrets, so a user's role reads neither.
    with as_service():
        sign_ins = list(
            user.sign_ins.order_by("created_at").values("created_at", "seen_at", "address", "user_agent")
        )
        tokens = list(user.api_tokens.order_by("created_at").values(*names))
    return [("sign_ins.json", as_json(sign_ins)), ("tokens.json", as_json(tokens))]


def as_json(value: Any) -> str:
    """Return JSON for people: indented, times in ISO 8601."""
    return json.dumps(value, indent=2, ensure_ascii=False, default=_plain)


def as_json_list(values: Iterable[Any]) -> Iterator[str]:
    """Yield what `as_json` makes of a list, entry by entry."""
    before = "[\n"
    for value in values:
        yield before + textwrap.indent(as_json(value), "  ")
        before = ",\n"
    yield "[]" if before == "[\n" else "\n]"


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _event(event: AuditEvent) -> dict[str, Any]:
    names = ("created_at", "action", "who", "subject_kind", "subject_label", "detail", "address")
    return {name: getattr(event, name) for name in names}

"""Receive a builder's messages about a job: log, files, their bytes and the result, each once and in order.

Call it as the service role, in one transaction per message. NOTIFY wakes the worker that waits for the job.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import uuid
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from builds.artifacts import storage
from configs.knowledge.texts import text_of

from .endpoints import Answer, malformed
from .messages import PIECE_BYTES, EndForm, FilesForm, LogForm, PieceForm, TextForm
from .models import RemoteChunk, RemoteFile, RemoteJob, RemotePiece

CHANNEL = "remote_builders"
_NOT_FOUND = (404, {"detail": "This builder has no such job."})
_GIVEN_UP = (410, {"detail": "The forge no longer waits for this job."})


def receive(builder: str, build_id: int, content: dict[str, Any]) -> Answer:
    """Process one verified message of a builder about a build.

    Refuses with 404 when the builder was not asked for it, with 410 when its result is no longer wanted, and
    with 409 and the forge's position when the message is not the next one.
    """
    key = _uuid(content.get("key"))
    if key is None:
        return _NOT_FOUND
    kind = content.get("kind")
    # Asked before the job is locked: a shared storage may take its time.
    stored = _stored_hashes(content) if kind == "files" else frozenset()
    jobs = RemoteJob.objects.select_for_update().filter(key=key, builder=builder, build_id=build_id)
    job = jobs.first()
    if job is None:
        return _NOT_FOUND
    if job.state == RemoteJob.State.GIVEN_UP:
        return _GIVEN_UP
    if kind == "ask":
        return 200, _position(job)
    if kind == "text":
        return _text(job, content)
    handlers: dict[str, Callable[[RemoteJob, dict[str, Any]], Answer]] = {
        "log": _log,
        "files": functools.partial(_files, stored=stored),
        "piece": _piece,
        "end": _end,
    }
    handler = handlers.get(kind) if isinstance(kind, str) else None
    if handler is None:
        return malformed({"kind": ["Unknown kind of message."]})
    answer = handler(job, content)
    _notify(job)
    return answer


def _text(job: RemoteJob, content: dict[str, Any]) -> Answer:
    """Answer with a piece of a text that the build's configuration names; its size is null if it is gone."""
    form = TextForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    revision = job.build.revision
    text = text_of(revision.agent_id, revision.canonical_json, form.cleaned_data["sha256"])
    if text is None or job.state != RemoteJob.State.OPEN:
        return 200, {"size": None, "content": ""}
    offset = form.cleaned_data["offset"]
    piece = text[offset : offset + PIECE_BYTES]
    return 200, {"size": len(text), "content": base64.b64encode(piece).decode()}


def _notify(job: RemoteJob) -> None:
    """Wake the worker that waits for a job, once this transaction is committed."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(job.key)])


def _uuid(value: object) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _position(job: RemoteJob) -> dict[str, Any]:
    offsets = {file.name: file.received for file in job.files.all()}
    return {"next": job.next_sequence, "offsets": offsets}


def _out_of_order(job: RemoteJob, sequence: int) -> Answer | None:
    """Return the answer to a numbered message that is not the next one, else None."""
    if sequence < job.next_sequence or job.state != RemoteJob.State.OPEN:
        return 200, _position(job)
    if sequence > job.next_sequence:
        return 409, {"detail": "Earlier messages are missing.", **_position(job)}
    return None


def _advance(job: RemoteJob) -> Answer:
    job.next_sequence += 1
    job.save()
    return 200, _position(job)


def _log(job: RemoteJob, content: dict[str, Any]) -> Answer:
    form = LogForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    if (answer := _out_of_order(job, form.cleaned_data["sequence"])) is not None:
        return answer
    records = form.cleaned_data["records"]
    job.log_bytes += len(json.dumps(records))
    # Builders limit their logs themselves; this protects against one that does not.
    if job.log_bytes <= 2 * settings.BUILD_LOG_MB * 1024 * 1024:
        RemoteChunk.objects.create(job=job, sequence=job.next_sequence, records=records)
    return _advance(job)


def _stored_hashes(content: dict[str, Any]) -> frozenset[str]:
    """Return the hashes of announced files whose bytes are stored here already."""
    form = FilesForm(content)
    hashes = {file["sha256"] for file in form.cleaned_data["announced"]} if form.is_valid() else set()
    return frozenset(filter(storage.holds, hashes))


def _files(job: RemoteJob, content: dict[str, Any], stored: frozenset[str]) -> Answer:
    form = FilesForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    if (answer := _out_of_order(job, form.cleaned_data["sequence"])) is not None:
        return answer
    # A builder that had to start over has compiled the files anew.
    job.files.all().delete()
    for file in form.cleaned_data["announced"]:
        # Bytes that are stored here already need no upload.
        received = file["size"] if file["sha256"] in stored else 0
        RemoteFile.objects.create(job=job, received=received, **file)
    return _advance(job)


def _piece(job: RemoteJob, content: dict[str, Any]) -> Answer:
    form = PieceForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    piece = form.cleaned_data
    file = job.files.filter(name=piece["name"]).first()
    if file is None or job.state != RemoteJob.State.OPEN:
        return 422, {"detail": "No such file was announced."}
    if piece["offset"] != file.received:
        return 409, {"detail": "The offset is not the next one.", "offset": file.received}
    data = piece["content"]
    if file.received + len(data) > file.size:
        return 422, {"detail": "The file is longer than announced.", "offset": file.received}
    RemotePiece.objects.create(file=file, offset=file.received, data=data)
    file.received += len(data)
    if file.received == file.size and hashlib.sha256(content_of(file)).hexdigest() != file.sha256:
        file.pieces.all().delete()
        file.received = 0
    file.save(update_fields=["received"])
    if file.received == 0:
        return 409, {"detail": "The sha256 is not the announced one; send the file again.", "offset": 0}
    return 200, {"offset": file.received}


def content_of(file: RemoteFile) -> bytes:
    """Return the bytes of a file received so far."""
    return b"".join(bytes(data) for data in file.pieces.values_list("data", flat=True))


def _end(job: RemoteJob, content: dict[str, Any]) -> Answer:
    form = EndForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    message = form.cleaned_data
    if (answer := _out_of_order(job, message["sequence"])) is not None:
        return answer
    incomplete = [file.name for file in job.files.all() if file.received < file.size]
    if message["result"] == RemoteJob.State.SUCCEEDED and (incomplete or not job.files.exists()):
        return 409, {"detail": "Files are missing.", **_position(job)}
    job.state = RemoteJob.State(message["result"])
    job.error, job.fault, job.exit_code = message["error"], message["fault"], message["exit_code"]
    job.sandbox, job.toolchain = message["sandbox"], message["toolchain"] or {}
    job.ended_at = timezone.now()
    return _advance(job)

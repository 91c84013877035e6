"""Take what a builder says of a job: log, files, their bytes, and the end; each of it once and in order.

To be called in one transaction a message, as the forge. The worker that waits for the job is told by NOTIFY.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from typing import Any

from django.conf import settings
from django.db import connection
from django.utils import timezone

from builds.artifacts import storage

from .endpoints import Answer, malformed
from .messages import EndForm, FilesForm, LogForm, PieceForm
from .models import RemoteChunk, RemoteFile, RemoteJob, RemotePiece

CHANNEL = "remote_builders"
_MISSING = (404, {"detail": "No such job was given to this builder."})
_OVER = (410, {"detail": "The forge does not wait for this job any more."})


def receive(builder: str, build_id: int, content: dict[str, Any]) -> Answer:
    """Take one checked message of a builder about a build.

    Refused with 404 when that builder was not asked for it, with 410 when its result is not wanted any more,
    with 409 and where the forge stands when the message leaves something out.
    """
    key = _uuid(content.get("key"))
    if key is None:
        return _MISSING
    wanted = RemoteJob.objects.select_for_update().filter(key=key, builder=builder, build_id=build_id)
    job = wanted.first()
    if job is None:
        return _MISSING
    if job.state == RemoteJob.State.GIVEN_UP:
        return _OVER
    kind = content.get("kind")
    if kind == "ask":
        return 200, _position(job)
    takers = {"log": _log, "files": _files, "piece": _piece, "end": _end}
    taker = takers.get(kind) if isinstance(kind, str) else None
    if taker is None:
        return malformed({"kind": ["This is no kind of message."]})
    answer = taker(job, content)
    tell(job)
    return answer


def tell(job: RemoteJob) -> None:
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


def _in_turn(job: RemoteJob, sequence: int) -> Answer | None:
    """Return the answer to a numbered message that is not the next one."""
    if sequence < job.next_sequence or job.state != RemoteJob.State.OPEN:
        return 200, _position(job)
    if sequence > job.next_sequence:
        return 409, {"detail": "Something is missing before this message.", **_position(job)}
    return None


def _advance(job: RemoteJob) -> Answer:
    job.next_sequence += 1
    job.save()
    return 200, _position(job)


def _log(job: RemoteJob, content: dict[str, Any]) -> Answer:
    form = LogForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    if (answer := _in_turn(job, form.cleaned_data["sequence"])) is not None:
        return answer
    records = form.cleaned_data["records"]
    job.log_bytes += len(json.dumps(records))
    # A builder keeps its own log within limits, and its last lines. This is for one that does not.
    if job.log_bytes <= 2 * settings.BUILD_LOG_MB * 1024 * 1024:
        RemoteChunk.objects.create(job=job, sequence=job.next_sequence, records=records)
    return _advance(job)


def _files(job: RemoteJob, content: dict[str, Any]) -> Answer:
    form = FilesForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    if (answer := _in_turn(job, form.cleaned_data["sequence"])) is not None:
        return answer
    # A builder that had to begin again has made the files anew.
    job.files.all().delete()
    for described in form.cleaned_data["announced"]:
        # Bytes that are stored here already are not sent again.
        here = storage.holds(described["sha256"])
        RemoteFile.objects.create(job=job, received=described["size"] if here else 0, **described)
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
        return 409, {"detail": "The file goes on elsewhere.", "offset": file.received}
    data = piece["content"]
    if file.received + len(data) > file.size:
        return 422, {"detail": "This is more than was announced.", "offset": file.received}
    RemotePiece.objects.create(file=file, offset=file.received, data=data)
    file.received += len(data)
    if file.received == file.size and hashlib.sha256(content_of(file)).hexdigest() != file.sha256:
        file.pieces.all().delete()
        file.received = 0
    file.save(update_fields=["received"])
    if file.received == 0:
        return 409, {"detail": "The file's sha256 is not the announced one; it begins again.", "offset": 0}
    return 200, {"offset": file.received}


def content_of(file: RemoteFile) -> bytes:
    """Return the bytes of a file that were received here."""
    return b"".join(bytes(data) for data in file.pieces.values_list("data", flat=True))


def _end(job: RemoteJob, content: dict[str, Any]) -> Answer:
    form = EndForm(content)
    if not form.is_valid():
        return malformed(form.errors)
    told = form.cleaned_data
    if (answer := _in_turn(job, told["sequence"])) is not None:
        return answer
    incomplete = [file.name for file in job.files.all() if file.received < file.size]
    if told["result"] == RemoteJob.State.SUCCEEDED and (incomplete or not job.files.exists()):
        return 409, {"detail": "Files are missing.", **_position(job)}
    job.state = RemoteJob.State(told["result"])
    job.error, job.fault, job.exit_code = told["error"], told["fault"], told["exit_code"]
    job.sandbox, job.toolchain = told["sandbox"], told["toolchain"] or {}
    job.ended_at = timezone.now()
    return _advance(job)

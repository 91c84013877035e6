"""The forge's rows of remote jobs: at most one open job per target, and no received data after its end."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from django.db import transaction
from django.utils import timezone

from builds.artifacts import storage
from builds.errors import BuildError
from builds.logs.build_log import Record

from .models import RemoteChunk, RemoteFile, RemoteJob, RemotePiece
from .receiver import content_of

_READ_AT_ONCE = 20


@dataclass(frozen=True)
class JobUpdate:
    """A job's current row, and its log records after a position."""

    job: RemoteJob
    records: list[Record]
    position: int


def unfinished(build_id: int, target: str) -> RemoteJob | None:
    """Return the open job of a target, left by an earlier worker of this build."""
    return RemoteJob.objects.filter(build_id=build_id, target=target, state=RemoteJob.State.OPEN).first()


def open_job(build_id: int, target: str, builder: str) -> RemoteJob:
    """Return the open job of a target at a builder, creating it if necessary; give up another builder's."""
    with transaction.atomic():
        job = unfinished(build_id, target)
        if job is not None and job.builder != builder:
            close(job, RemoteJob.State.GIVEN_UP)
            job = None
        return job or RemoteJob.objects.create(build_id=build_id, target=target, builder=builder)


def set_number(job: RemoteJob, number: int) -> None:
    """Store the job's number at its builder."""
    job.number = number
    RemoteJob.objects.filter(pk=job.pk).update(number=number)


def read_update(job: RemoteJob, position: int) -> JobUpdate:
    """Return a job's current row and the next records of its log."""
    # The row first: the log of a finished job is complete.
    current = RemoteJob.objects.get(pk=job.pk)
    chunks = list(RemoteChunk.objects.filter(job=job, sequence__gte=position)[:_READ_AT_ONCE])
    records: list[Record] = [record for chunk in chunks for record in chunk.records]
    return JobUpdate(current, records, chunks[-1].sequence + 1 if chunks else position)


def close(job: RemoteJob, state: RemoteJob.State) -> None:
    """Move an open job to a final state and delete the data received for it."""
    with transaction.atomic():
        open_jobs = RemoteJob.objects.filter(pk=job.pk, state=RemoteJob.State.OPEN)
        open_jobs.update(state=state, ended_at=timezone.now())
        delete_received(job)


def delete_received(job: RemoteJob) -> None:
    """Delete the log and the bytes received for a job; its row still answers repeated messages."""
    RemotePiece.objects.filter(file__job=job).delete()
    RemoteChunk.objects.filter(job=job).delete()


def delete_received_for(build_id: int) -> None:
    """Delete what was received for the ended jobs of a build, whose worker may have died before it did."""
    for job in RemoteJob.objects.filter(build=build_id).exclude(state=RemoteJob.State.OPEN):
        delete_received(job)


def give_up_orphans() -> int:
    """Give up the open jobs of finished builds, delete the data received for them, and return their number.

    They were left by workers that died or handed over. The builder learns of it with its next message.
    """
    finished = RemoteJob.objects.filter(build__finished_at__isnull=False)
    with transaction.atomic():
        orphans = finished.filter(state=RemoteJob.State.OPEN)
        given_up: int = orphans.update(state=RemoteJob.State.GIVEN_UP, ended_at=timezone.now())
        RemotePiece.objects.filter(file__job__build__finished_at__isnull=False).delete()
        RemoteChunk.objects.filter(job__build__finished_at__isnull=False).delete()
    return given_up


def fetch(job: RemoteJob, directory: Path) -> dict[str, Path]:
    """Write the files of a job into a directory, check their hashes, and return their paths by name.

    Raises BuildError when a file is damaged.
    """
    paths: dict[str, Path] = {}
    for file in RemoteFile.objects.filter(job=job):
        paths[file.name] = path = directory / f"remote-{file.name}"
        if file.pieces.exists():
            path.write_bytes(content_of(file))
        else:
            shutil.copyfile(storage.local_copy(file.sha256), path)
        if storage.hash_file(path) != file.sha256:
            raise BuildError(f"The hash of {file.name} is not the one that {job.builder} announced.")
        path.chmod(0o755)
    return paths

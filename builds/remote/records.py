"""Keep the forge's rows of remote jobs: one open job a target, and nothing of it left when it is over."""

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
class News:
    """Hold what came of a job since a position in its log."""

    job: RemoteJob
    records: list[Record]
    position: int


def unfinished(build_id: int, target: str) -> RemoteJob | None:
    """Return the job that an earlier worker of this build left open."""
    return RemoteJob.objects.filter(build_id=build_id, target=target, state=RemoteJob.State.OPEN).first()


def open_job(build_id: int, target: str, builder: str) -> RemoteJob:
    """Return the open job of a target at a builder, made where there is none."""
    with transaction.atomic():
        job = unfinished(build_id, target)
        if job is not None and job.builder != builder:
            close(job, RemoteJob.State.GIVEN_UP)
            job = None
        return job or RemoteJob.objects.create(build_id=build_id, target=target, builder=builder)


def numbered(job: RemoteJob, number: int) -> None:
    """Note the builder's own number of a job."""
    job.number = number
    RemoteJob.objects.filter(pk=job.pk).update(number=number)


def news(job: RemoteJob, position: int) -> News:
    """Return a job as it is now, and the next records of its log."""
    # The job first: the log of one that is over is whole.
    current = RemoteJob.objects.get(pk=job.pk)
    chunks = list(RemoteChunk.objects.filter(job=job, sequence__gte=position)[:_READ_AT_ONCE])
    records: list[Record] = [record for chunk in chunks for record in chunk.records]
    return News(current, records, chunks[-1].sequence + 1 if chunks else position)


def close(job: RemoteJob, state: RemoteJob.State) -> None:
    """Give an open job a state, and drop what was received of it."""
    with transaction.atomic():
        still = RemoteJob.objects.filter(pk=job.pk, state=RemoteJob.State.OPEN)
        still.update(state=state, ended_at=timezone.now())
        tidy(job)


def tidy(job: RemoteJob) -> None:
    """Drop the log and the bytes that were received of a job; its row answers what the builder repeats."""
    RemotePiece.objects.filter(file__job=job).delete()
    RemoteChunk.objects.filter(job=job).delete()


def forget_leftovers() -> int:
    """Give up the jobs of builds that are over, drop what was received of them, and return their number.

    A worker that died or handed over left them; a builder still at one hears it with its next message.
    """
    over = RemoteJob.objects.filter(build__finished_at__isnull=False)
    with transaction.atomic():
        still = over.filter(state=RemoteJob.State.OPEN)
        given_up: int = still.update(state=RemoteJob.State.GIVEN_UP, ended_at=timezone.now())
        RemotePiece.objects.filter(file__job__build__finished_at__isnull=False).delete()
        RemoteChunk.objects.filter(job__build__finished_at__isnull=False).delete()
    return given_up


def fetch(job: RemoteJob, directory: Path) -> dict[str, Path]:
    """Write the files of a job into a directory, their hashes checked, and return them by name.

    Raises BuildError when one is not whole.
    """
    found: dict[str, Path] = {}
    for file in RemoteFile.objects.filter(job=job):
        found[file.name] = path = directory / f"remote-{file.name}"
        if file.pieces.exists():
            path.write_bytes(content_of(file))
        else:
            shutil.copyfile(storage.local_copy(file.sha256), path)
        if storage.hash_file(path) != file.sha256:
            raise BuildError(f"What {job.builder} sent as {file.name} has another hash than it said.")
        path.chmod(0o755)
    return found

"""Remove expired and orphaned data, rows and files together, never anything in use."""

from __future__ import annotations

import functools
import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from time import time
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import CharField, Exists, Model, OuterRef, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from agentforge.accounts.sessions import maintenance
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.live.models import Stream
from agentforge.queue import retention as queue_retention
from builds.artifacts import leases, local_store, retention, storage
from builds.compiler import workspace
from builds.models import Artifact, Build, ChatMessage, Conversation, StoredFile
from builds.trial.chat import UNFINISHED
from configs import trash
from configs.models import ProcessRun

# The findings of a checked draft; the draft itself stays.
RUN_AGE = timedelta(days=7)
JOB_AGE = timedelta(days=1)
WORK_AGE = timedelta(hours=1)
# Local copies of files in a shared storage.
COPY_AGE = timedelta(days=2)
_BATCH = 500


@dataclass
class Amount:
    """The rows, files and bytes that were removed, or would be."""

    rows: int = 0
    files: int = 0
    bytes: int = 0

    def add(self, rows: int = 0, files: int = 0, size: int = 0) -> None:
        self.rows += rows
        self.files += files
        self.bytes += size


@dataclass(frozen=True)
class Moment:
    """The time of one run, and how long a lease protects bytes from it."""

    now: datetime
    lease: timedelta = leases.LEASE

    @property
    def unused_since(self) -> datetime:
        return self.now - self.lease


Step = Callable[[Moment, bool], Iterator[Amount]]
_registered: dict[str, Step] = {}


def register(kind: str, step: Step) -> None:
    """Add another app's step."""
    _registered[kind] = step


def steps() -> dict[str, Step]:
    """Return the steps by kind of data; each yields amounts as it proceeds."""
    return {
        "files of expired builds": _expired_builds,
        "files that no build has": _orphan_files,
        "copies of shared files": _copies,
        "leftovers of dead work": _leftovers,
        "logs": _logs,
        "logs that no build has": functools.partial(lost_logs, Build, "build-"),
        "chats": _chats,
        "checks of drafts": _runs,
        "agents in the trash": _trashed_agents,
        "finished jobs": _jobs,
        "accounts": _accounts,
        **_registered,
    }


def prune(
    *, apply: bool, moment: Moment | None = None, on_progress: Callable[[str, Amount], None] | None = None
) -> dict[str, Amount]:
    """Count what can be removed by kind, and remove it with `apply`; removals are audited.

    `on_progress(kind, amount)` is called with each kind's growing total.
    """
    moment = moment or Moment(timezone.now())
    totals: dict[str, Amount] = {}
    for kind, step in steps().items():
        total = totals[kind] = Amount()
        for amount in step(moment, apply):
            total.add(amount.rows, amount.files, amount.bytes)
            if on_progress is not None:
                on_progress(kind, total)
    if apply and any(asdict(total) != asdict(Amount()) for total in totals.values()):
        counts: dict[str, Any] = {
            kind.replace(" ", "_"): total.rows + total.files for kind, total in totals.items()
        }
        record(Action.PRUNED, owner=None, bytes=sum(total.bytes for total in totals.values()), **counts)
    return totals


def _expired_builds(moment: Moment, apply: bool) -> Iterator[Amount]:
    pks = list(retention.expired(moment.now).values_list("pk", flat=True))
    if not apply:
        yield from _would_expire(pks, moment)
        return
    for pk in pks:
        if removed := retention.expire(pk, moment.now, unused_since=moment.unused_since):
            yield Amount(removed.rows, removed.files, removed.bytes)


def _would_expire(pks: list[int], moment: Moment) -> Iterator[Amount]:
    """Count as a real run would: each file once, and only if no remaining build refers to it."""
    expiring = set(pks) - retention.builds_in_use(pks)
    rows = Artifact.objects.filter(build__in=expiring)
    yield Amount(rows=rows.count())
    same = OuterRef("sha256")
    kept = Artifact.objects.exclude(build__in=expiring).filter(sha256=same)
    used = StoredFile.objects.filter(used_at__gte=moment.unused_since, sha256=same)
    only = rows.filter(~Exists(kept), ~Exists(used))
    for size in dict(only.order_by().values_list("sha256", "size")).values():
        yield Amount(0, 1, size)


def _orphan_files(moment: Moment, apply: bool) -> Iterator[Amount]:
    """Bytes that no build refers to: their build was deleted, or its worker died."""
    entries = storage.entries()
    while batch := list(itertools.islice(entries, _BATCH)):
        yield from _orphans(batch, moment, apply)
    yield from _rows_without_files(moment, apply)


def _orphans(batch: Sequence[storage.Entry], moment: Moment, apply: bool) -> Iterator[Amount]:
    """Remove the orphans of a batch with a single request to a storage that can."""
    hashes = [entry.sha256 for entry in batch]
    named = set(Artifact.objects.filter(sha256__in=hashes).values_list("sha256", flat=True))
    rows = dict(StoredFile.objects.filter(pk__in=hashes).values_list("pk", "used_at"))
    orphans: dict[str, Amount] = {}
    for entry in batch:
        if entry.sha256 in named:
            continue
        try:
            used_at, size = rows.get(entry.sha256) or entry.changed_at, entry.size
        except FileNotFoundError:
            # A concurrent run has removed it.
            continue
        if used_at < moment.unused_since:
            orphans[entry.sha256] = Amount(int(entry.sha256 in rows), 1, size)
            if apply and entry.sha256 not in rows:
                leases.add_known(entry.sha256, used_at)
    if apply and orphans:
        with transaction.atomic():
            unused = [sha for sha in sorted(orphans) if leases.delete_unused(sha, before=moment.unused_since)]
            storage.delete(*unused)
        yield from (orphans[sha] for sha in unused)
    elif not apply:
        yield from orphans.values()


def _rows_without_files(moment: Moment, apply: bool) -> Iterator[Amount]:
    named = Artifact.objects.filter(sha256=OuterRef("sha256"))
    lost = StoredFile.objects.filter(~Exists(named), used_at__lt=moment.unused_since)
    for sha256 in list(lost.values_list("sha256", flat=True)):
        if storage.holds(sha256):
            continue
        if not apply:
            yield Amount(rows=1)
            continue
        with transaction.atomic():
            if leases.delete_unused(sha256, before=moment.unused_since):
                yield Amount(rows=1)


def _copies(moment: Moment, apply: bool) -> Iterator[Amount]:
    """Local copies of files in a shared storage; they are fetched again when needed."""
    if storage.shared_storage() is None:
        return
    before = moment.now - COPY_AGE
    for path in local_store.paths():
        used = StoredFile.objects.filter(pk=path.name, used_at__gte=before).exists()
        if not used and path.stat().st_mtime < before.timestamp():
            size = path.stat().st_size
            if apply:
                path.unlink(missing_ok=True)
            yield Amount(0, 1, size)


def _leftovers(moment: Moment, apply: bool) -> Iterator[Amount]:
    for path in local_store.leftovers(before=time() - WORK_AGE.total_seconds()):
        size = path.stat().st_size
        if apply:
            path.unlink(missing_ok=True)
        yield Amount(0, 1, size)
    for tree in workspace.abandoned():
        sizes = [path.lstat().st_size for path in tree.rglob("*") if path.is_file()]
        if apply:
            shutil.rmtree(tree, ignore_errors=True)
        yield Amount(0, len(sizes), sum(sizes))


def _logs(moment: Moment, apply: bool) -> Iterator[Amount]:
    if not settings.LOG_DAYS:
        return
    before = moment.now - timedelta(days=settings.LOG_DAYS)
    if apply:
        yield from (Amount(rows=portion) for portion in streams.prune(closed_before=before))
    else:
        yield Amount(rows=Stream.objects.filter(closed_at__lt=before).count())


def lost_logs(of: type[Model], prefix: str, moment: Moment, apply: bool) -> Iterator[Amount]:
    """Logs whose row was deleted; a stream's name is the prefix followed by the row's key."""
    rows = of._default_manager.annotate(stream=Concat(Value(prefix), Cast("pk", CharField())))
    # NOT IN would read all rows again for each log, as soon as they are too many to be hashed in memory.
    kept = Exists(rows.filter(stream=OuterRef("name")))
    lost = Stream.objects.filter(~kept, name__regex=f"^{prefix}[0-9]+$", created_at__lt=moment.unused_since)
    for name in list(lost.values_list("name", flat=True)):
        if apply:
            streams.delete_stream(name)
        yield Amount(rows=1)


def _chats(moment: Moment, apply: bool) -> Iterator[Amount]:
    if not settings.CHAT_DAYS:
        return
    before = moment.now - timedelta(days=settings.CHAT_DAYS)
    old = ChatMessage.objects.filter(created_at__lt=before).exclude(status__in=UNFINISHED)
    yield from _rows(old, apply)
    yield from _rows(Conversation.objects.filter(active_at__lt=before, messages=None), apply)


def _runs(moment: Moment, apply: bool) -> Iterator[Amount]:
    yield from _rows(ProcessRun.objects.filter(finished_at__lt=moment.now - RUN_AGE), apply)


def _rows(old: Any, apply: bool) -> Iterator[Amount]:
    """Delete rows in batches, to hold their locks only briefly."""
    if not apply:
        yield Amount(rows=old.count())
        return
    while pks := list(old.order_by("pk").values_list("pk", flat=True)[:_BATCH]):
        old.model.objects.filter(pk__in=pks).delete()
        yield Amount(rows=len(pks))


def _trashed_agents(moment: Moment, apply: bool) -> Iterator[Amount]:
    """Prune agents that were in the trash for TRASH_DAYS, with everything made from them."""
    if not apply:
        yield Amount(trash.due(moment.now).count())
        return
    for _ in trash.delete_due(moment.now):
        yield Amount(1)


def _jobs(moment: Moment, apply: bool) -> Iterator[Amount]:
    """Finished jobs of the queue; their results are stored in other rows."""
    portions = queue_retention.prune(moment.now - JOB_AGE, dry_run=not apply)
    yield from (Amount(rows=portion) for portion in portions)


def _accounts(moment: Moment, apply: bool) -> Iterator[Amount]:
    yield Amount(rows=sum(maintenance.prune(dry_run=not apply).values()))

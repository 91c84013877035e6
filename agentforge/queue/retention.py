"""Remove jobs that ended from the queue; what became of them is in other rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.db import connection

# Also the most that are removed in one transaction.
_PORTION = 500

# Jobs are numbered in the order in which they are deferred: what follows young ones need not be read.
_NEXT = """
SELECT job.id,
    status IN ('succeeded', 'failed', 'cancelled', 'aborted')
        AND coalesce((SELECT max(at) FROM procrastinate_events WHERE job_id = job.id) < %(before)s, true),
    coalesce((SELECT min(at) FROM procrastinate_events WHERE job_id = job.id) < %(before)s, true)
FROM procrastinate_jobs AS job WHERE job.id > %(after)s ORDER BY job.id LIMIT %(portion)s
"""
# One that is retried meanwhile has not ended any more.
_REMOVE = """
DELETE FROM procrastinate_jobs
WHERE id = ANY(%s) AND status IN ('succeeded', 'failed', 'cancelled', 'aborted')
"""


def prune(before: datetime, *, dry_run: bool) -> Iterator[int]:
    """Delete the jobs that ended before a time; yield the number of each portion.

    Reads only jobs deferred before that time, by their key. A dry run deletes nothing.
    """
    after, is_old = 0, True
    with connection.cursor() as cursor:
        while is_old:
            cursor.execute(_NEXT, {"before": before, "after": after, "portion": _PORTION})
            rows = cursor.fetchall()
            ended = [job_id for job_id, has_ended, _ in rows if has_ended]
            if ended and not dry_run:
                cursor.execute(_REMOVE, [ended])
            yield len(ended)
            is_old = any(was_deferred_before for *_, was_deferred_before in rows)
            after = rows[-1][0] if rows else after

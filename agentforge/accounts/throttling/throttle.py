"""Limit how often something is done per subject (a user, an e-mail or network address), in PostgreSQL."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from agentforge.accounts.models import FailedAttempts


def address_subject(action: str, address: str) -> str | None:
    """Return the subject of a network address; for IPv6 its /64, which usually belongs to one customer."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return None
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return f"{action} address {ip.ipv4_mapped}"
        return f"{action} address {ipaddress.ip_network((ip, 64), strict=False)}"
    return f"{action} address {ip}"


class Throttle:
    """Limits per subject within a window; use it inside a transaction.

    A window begins with the first count, and the count is reset when it ends.
    """

    def __init__(self, limits: Mapping[str, int], *, window: timedelta, now: datetime | None = None) -> None:
        self.now = now or timezone.now()
        self.window = window
        self.limits = limits

    def wait(self) -> int:
        """Return the seconds until no subject is at its limit; 0 if none is."""
        counted = FailedAttempts.objects.filter(
            subject__in=list(self.limits), since__gt=self.now - self.window
        )
        starts = [row.since for row in counted if row.count >= self.limits[row.subject]]
        return self._seconds_left(max(starts)) if starts else 0

    def count(self) -> None:
        """Count once for every subject."""
        for subject in sorted(self.limits):
            self.count_one(subject)

    def take(self) -> int:
        """Count once per subject in turn; return the seconds to wait, 0 if none is over its limit.

        Stops at the first subject over its limit, so that its requests do not use up the limits of the
        others.
        """
        for subject, limit in self.limits.items():
            count, since = self.count_one(subject)
            if count > limit:
                return self._seconds_left(since)
        return 0

    def count_one(self, subject: str) -> tuple[int, datetime]:
        """Count once for a subject; return its count and the beginning of its window."""
        began = self.now - self.window
        with connection.cursor() as cursor:
            cursor.execute(
                """
                INSERT INTO accounts_failedattempts AS f (subject, count, since) VALUES (%s, 1, %s)
                ON CONFLICT (subject) DO UPDATE SET
                    count = CASE WHEN f.since > %s THEN f.count + 1 ELSE 1 END,
                    since = CASE WHEN f.since > %s THEN f.since ELSE excluded.since END
                RETURNING count, since
                """,
                [subject, self.now, began, began],
            )
            count, since = cursor.fetchone()
        return count, since

    def _seconds_left(self, since: datetime) -> int:
        return max(1, int((since + self.window - self.now).total_seconds()) + 1)

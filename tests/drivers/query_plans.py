"""The tables that captured queries read from end to end, as PostgreSQL plans them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from django.db import connection

_PLANNED = re.compile(r"\s*(SELECT|WITH|UPDATE|DELETE)\b")


def tables_read_whole(queries: Iterable[dict[str, str]]) -> Iterator[str]:
    """Yield the table of each sequential scan in the plans of these queries."""
    with connection.cursor() as cursor:
        for query in queries:
            if _PLANNED.match(query["sql"]):
                cursor.execute(f"EXPLAIN {query['sql']}")
                yield from re.findall(r"Seq Scan on (\w+)", str(cursor.fetchall()))

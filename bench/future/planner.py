"""Ask PostgreSQL's planner what a statement costs, in the tables as they are and as they would be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from .statements import Statement

_BLOCK, _SEGMENT = 8192, 131_072
_RELATIONS = """
SELECT relation.oid, pg_relation_filepath(relation.oid), relation.relpages
FROM pg_class AS base
LEFT JOIN pg_index AS index ON index.indrelid = base.oid
JOIN pg_class AS relation ON relation.oid IN (base.oid, index.indexrelid)
WHERE base.relname = ANY(%s) AND base.relkind = 'r' AND base.relnamespace <> 'templates'::regnamespace
GROUP BY relation.oid
"""
_DISTINCT = """
SELECT s.starelid::bigint, s.staattnum, s.stadistinct FROM pg_statistic AS s
JOIN pg_class AS c ON c.oid = s.starelid
WHERE c.relname = ANY(%s) AND c.relnamespace <> 'templates'::regnamespace
"""
_SCANS = ("Seq Scan", "Index Scan", "Index Only Scan", "Bitmap Heap Scan", "CTE Scan")

Distinct = dict[tuple[int, int], float]


@dataclass(frozen=True, slots=True)
class Plan:
    """The planner's cost of a statement, the rows that it writes, and how it reads its largest table."""

    cost: float
    written: float
    reads: str


def distinct_values(superuser: psycopg.Connection, tables: Sequence[str]) -> Distinct:
    """Return the planner's number of distinct values of each column; negative: a share of the rows."""
    rows = superuser.execute(_DISTINCT, [list(tables)]).fetchall()
    return {(table, column): distinct for table, column, distinct in rows}


def extrapolate(superuser: psycopg.Connection, tables: Sequence[str], factor: int, before: Distinct) -> None:
    """Let the planner believe that these tables and their indexes are `factor` times as large.

    The statistics of values stay, as portions are distributed like the whole; a number of distinct values
    that grew since `before` goes on to grow. The planner asks the file system for a table's size, so the
    files are extended: with holes, which take no room on the disk.
    """
    directory = Path(str(superuser.execute("SHOW data_directory").fetchall()[0][0]))
    for oid, path, pages in superuser.execute(_RELATIONS, [list(tables)]).fetchall():
        superuser.execute(
            "UPDATE pg_class SET relpages = relpages * %s, reltuples = reltuples * %s WHERE oid = %s",
            [factor, factor, oid],
        )
        _extend(directory / path, pages * factor)
    for (table, column), distinct in distinct_values(superuser, tables).items():
        if 0 < 2 * before.get((table, column), distinct) < distinct:
            superuser.execute(
                "UPDATE pg_statistic SET stadistinct = stadistinct * %s"
                " WHERE starelid = %s AND staattnum = %s",
                [factor, table, column],
            )


def _extend(path: Path, blocks: int) -> None:
    """Extend a relation's file, which is one of at most 1 GiB for each segment."""
    owner = path.stat()
    for number in range(-(-blocks // _SEGMENT)):
        segment = path.with_name(f"{path.name}.{number}") if number else path
        size = min(blocks - number * _SEGMENT, _SEGMENT) * _BLOCK
        with segment.open("ab") as file:
            if segment.stat().st_size < size:
                file.truncate(size)
        segment.chmod(owner.st_mode & 0o777)
        os.chown(segment, owner.st_uid, owner.st_gid)


def plan_of(connection: psycopg.Connection, statement: Statement) -> Plan | None:
    """Return the plan of a statement with its values; None for what is not planned, such as SET."""
    try:
        with _as_its_actor(connection, statement):
            text, arguments = statement.sql, ""
            if statement.parameters:
                connection.execute(b"PREPARE asked AS " + text.encode())
                text, arguments = "EXECUTE asked", f"({', '.join(statement.parameters)})"
            rows = connection.execute(f"EXPLAIN (FORMAT JSON) {text}{arguments}".encode()).fetchall()
    except psycopg.Error:
        return None
    plan = rows[0][0][0]["Plan"]
    return Plan(plan["Total Cost"], _written(plan), _reads(plan))


@contextmanager
def _as_its_actor(connection: psycopg.Connection, statement: Statement) -> Iterator[None]:
    """Act as whoever ran it, so that the same policies count, in a transaction that is undone."""
    with connection.transaction(force_rollback=True):
        connection.execute("DEALLOCATE ALL")
        if statement.role != "none":
            connection.execute("SELECT set_config('request.jwt.claims', %s, true)", [statement.claims])
            connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(statement.role)))
        yield


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from _nodes(child)


def _written(plan: dict[str, Any]) -> float:
    """Return how many rows are written."""
    changes = [node for node in _nodes(plan) if node["Node Type"] == "ModifyTable"]
    return max((child["Plan Rows"] for node in changes for child in node.get("Plans", ())[:1]), default=0.0)


def _reads(plan: dict[str, Any]) -> str:
    scans = [node for node in _nodes(plan) if node["Node Type"] in _SCANS and "Relation Name" in node]
    if not scans:
        return ""
    most = max(scans, key=lambda node: float(node["Total Cost"]))
    by = f" by {most['Index Name']}" if "Index Name" in most else ""
    again = _is_asked_again(plan)
    return f"{most['Node Type'].lower()} of {most['Relation Name']}{by}{', for each row' if again else ''}"


def _is_asked_again(plan: dict[str, Any]) -> bool:
    """Tell whether a list that is too long to be hashed is read again for each row (NOT IN)."""
    return any(
        node.get("Parent Relationship") == "SubPlan" and node["Node Type"] == "Materialize"
        for node in _nodes(plan)
    )

"""The statements that PostgreSQL ran, read from its log, each with the place in the product that asked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg

from agentforge.prepared_queries import SEPARATOR

# Session, SQLSTATE; the severity and the text follow. Further lines of an entry begin with a tab.
_PREFIX = "%c|%e|"
_SETTINGS = {
    "log_line_prefix": _PREFIX,
    "log_min_duration_statement": "0",
    "log_parameter_max_length": "-1",
    "statement_timeout": "60s",
    # What it would do at some moment of the measurement is what the measurement does itself.
    "autovacuum": "off",
    "max_wal_size": "16GB",
}
TIMEOUT_MS = 60_000.0

_ENTRY = re.compile(
    r"(?P<session>[0-9a-f]+\.[0-9a-f]+)\|(?P<state>\w{5})\|(?P<level>\w+):  (?P<text>.*)", re.S
)
_TIMED = re.compile(r"duration: (?P<ms>[\d.]+) ms  (?:statement|execute [^:]*): (?P<sql>.*)", re.S)
_PLACE = re.compile(r"SELECT 'place: (?P<place>.*)'")
_ACTOR = re.compile(
    r"set_config\('role', '(?P<role>\w+)', true\), "
    r"set_config\('request\.jwt\.claims', '(?P<claims>(?:[^']|'')*)'"
)
_DECLARED = re.compile(r"DECLARE .*? FOR\s+(?=SELECT|WITH)", re.S)
_VALUE = re.compile(r"'(?:[^']|'')*'(?:::[\w\[\]]+)?|\$\d+|\b\d+(?:\.\d+)?\b")
_VALUES = re.compile(r"\(\?(?:, ?\?)+\)|\(\?\)")
_TIMED_OUT = "57014"


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: its milliseconds, its parameters as SQL, and as whom it ran (`none`: the forge)."""

    place: str
    role: str
    claims: str
    sql: str
    parameters: tuple[str, ...]
    ms: float

    @property
    def shape(self) -> str:
        """Return the statement without its values, by which it is found again at another size."""
        text = _VALUES.sub("(?)", _VALUE.sub("?", " ".join(self.sql.split())))
        return f"{self.role == 'authenticated'} {text}"


def record(superuser: psycopg.Connection) -> None:
    """Let the server log every statement with its time, and end those of more than a minute."""
    for name, value in _SETTINGS.items():
        superuser.execute(f"ALTER SYSTEM SET {name} = '{value}'".encode())
    superuser.execute("SELECT pg_reload_conf()")


def read(log: Path, start: int) -> Iterator[Statement]:
    """Yield the statements that were logged after a position in bytes."""
    place, actors = "", dict[str, tuple[str, str]]()
    entries = list(_entries(log, start))
    for at, entry in enumerate(entries):
        session, following = entry["session"], entries[at + 1 : at + 4]
        timed = _TIMED.match(entry["text"])
        if timed is None:
            if entry["state"] == _TIMED_OUT and entry["level"] == "ERROR":
                sql = next((each["text"] for each in following if each["level"] == "STATEMENT"), "")
                yield Statement(place, *actors.get(session, ("none", "")), _plain(sql), (), TIMEOUT_MS)
            continue
        sql = _plain(timed["sql"])
        if named := _PLACE.match(sql):
            place = named["place"].replace("''", "'")
        elif acting := _ACTOR.search(sql):
            actors[session] = (acting["role"], acting["claims"].replace("''", "'"))
        elif sql in ("COMMIT", "ROLLBACK"):
            actors.pop(session, None)
        elif place:
            parameters = next((_parameters(each) for each in following[:1] if each["level"] == "DETAIL"), ())
            actor = actors.get(session, ("none", ""))
            together = sql.split(SEPARATOR)
            # The log has one time for all that were asked together.
            ms = float(timed["ms"]) / len(together)
            yield from (Statement(place, *actor, each, parameters, ms) for each in together)


def _plain(sql: str) -> str:
    """Return a statement without the cursor that reads it."""
    return _DECLARED.sub("", sql.strip(), count=1)


def _parameters(detail: re.Match[str]) -> tuple[str, ...]:
    return tuple(re.findall(r"\$\d+ = ('(?:[^']|'')*'|NULL)", detail["text"]))


def _entries(log: Path, start: int) -> Iterator[re.Match[str]]:
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(start)
        entry: list[str] = []
        for line in file:
            if line.startswith("\t"):
                entry.append(line[1:])
                continue
            if match := _ENTRY.fullmatch("".join(entry).rstrip("\n")):
                yield match
            entry = [line]
    if match := _ENTRY.fullmatch("".join(entry).rstrip("\n")):
        yield match

"""Measure how many lines a second a build's log stores on disk.

Each line goes the whole way: redacted, counted against the limit, encoded, stored in a chunk. The rivals
store lines in the same database: COPY of bare rows in batches of the same size, and INSERT of single rows.
"""

from __future__ import annotations

import json
import os
import secrets
import time
from collections.abc import Callable, Sequence

import psycopg

from . import stage

LINES = 300_000
SINGLE = 3_000
# What a pipe delivers at once.
PORTION = 800
ROUNDS = 3


def main() -> None:
    lines = [f"github.com/some/package{number}: file_{number % 997}.go:{number}" for number in range(LINES)]
    # Keep the log limit out of the measurement.
    os.environ |= {"BUILD_LOG_LINES": str(LINES * ROUNDS)}
    with stage.database():
        ours = _best(lambda: _write_log(lines))
        copy = _best(lambda: _copy(lines))
        insert = SINGLE / _seconds(lambda: _insert(lines[:SINGLE]))
    figure = {"figure": "log_ingest", "unit": "lines/s, durable", "value": round(ours)}
    rivals = {"rival": "COPY of rows", "rival_value": round(copy), "insert_value": round(insert)}
    print(json.dumps({**figure, **rivals}), flush=True)


def _best(work: Callable[[], None]) -> float:
    return LINES / min(_seconds(work) for _ in range(ROUNDS))


def _seconds(work: Callable[[], None]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _portions(lines: Sequence[str]) -> list[Sequence[str]]:
    return [lines[start : start + PORTION] for start in range(0, len(lines), PORTION)]


def _write_log(lines: Sequence[str]) -> None:
    from agentforge.live.streams import create_stream, delete_stream
    from agentforge.live.writer import StreamWriter
    from builds.logs.build_log import BuildLog, redactor
    from tests.drivers.people import make_user

    create_stream("build-1", make_user("alice").pk)
    redact = redactor(f"sk-{secrets.token_urlsafe(32)}" for _ in range(5))
    with StreamWriter("build-1") as writer:
        log = BuildLog(writer.write, redact, write_lines=writer.write_many)
        for portion in _portions(lines):
            log.lines("out", portion)
        log.close()
        writer.flush()
    delete_stream("build-1")


def _rows(work: Callable[[psycopg.Connection], None]) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("CREATE TABLE line (at timestamptz DEFAULT now(), stream text, text text)")
        work(connection)
        connection.execute("DROP TABLE line")


def _copy(lines: Sequence[str]) -> None:
    def work(connection: psycopg.Connection) -> None:
        for portion in _portions(lines):
            with connection.cursor().copy("COPY line (stream, text) FROM STDIN") as copy:
                for text in portion:
                    copy.write_row(("out", text))

    _rows(work)


def _insert(lines: Sequence[str]) -> None:
    def work(connection: psycopg.Connection) -> None:
        for text in lines:
            connection.execute("INSERT INTO line (stream, text) VALUES ('out', %s)", (text,))

    _rows(work)


if __name__ == "__main__":
    main()

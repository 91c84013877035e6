"""Lead to the database of this test run through a relay that can freeze, as a server does that is stopped."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import threading
from pathlib import Path
from typing import Self

from django.db import connection
from psycopg.conninfo import make_conninfo

PIECE = 65536


class Relay:
    """Listens on a Unix socket; `url` leads through it. Frozen, it accepts connections and answers nothing.

    What was sent meanwhile arrives when it thaws, unless its sender has gone.
    """

    def __enter__(self) -> Self:
        given = connection.get_connection_params()
        self._target = f"{given['host']}/.s.PGSQL.{given.get('port') or 5432}"
        self._directory = Path(tempfile.mkdtemp(prefix="agentforge-relay-"))
        self.url = make_conninfo(host=str(self._directory), user=given["user"], dbname=given["dbname"])
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()
        return self

    def __exit__(self, *failure: object) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        shutil.rmtree(self._directory)

    def freeze(self) -> None:
        self._loop.call_soon_threadsafe(self._moves.clear)

    def freeze_at(self, *words: bytes) -> None:
        """Freeze when these have been asked, one after the other; the last one has not arrived then."""
        self._loop.call_soon_threadsafe(self._awaited.extend, words)

    def thaw(self) -> None:
        self._loop.call_soon_threadsafe(self._moves.set)

    async def _listen(self) -> None:
        self._moves = asyncio.Event()
        self._moves.set()
        self._awaited: list[bytes] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._server = await asyncio.start_unix_server(self._serve, self._directory / ".s.PGSQL.5432")

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._moves.wait()
            answers, questions = await asyncio.open_unix_connection(self._target)
            try:
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._forward(reader, questions))
                    both.create_task(self._forward(answers, writer))
            finally:
                questions.close()
        except* (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self._tasks.discard(task)

    async def _forward(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while piece := await reader.read(PIECE):
            if self._awaited and self._awaited[0] in piece:
                del self._awaited[0]
                if not self._awaited:
                    self._moves.clear()
            await self._moves.wait()
            writer.write(piece)
            await writer.drain()
        writer.close()

    async def _close(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

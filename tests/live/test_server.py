from __future__ import annotations

import select
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import httpx
import psutil
import pytest
from django.core.management import CommandError, call_command

from agentforge.live.connections import connect
from agentforge.live.streams import close_stream, publish
from agentforge.live.writer import StreamWriter
from tests.drivers.sse_client import BROKEN
from tests.drivers.web_process import ROOT, WebProcess, environment

from .test_streams import line

MEGABYTE = 1024 * 1024
_WAITS = "SELECT pid FROM pg_locks WHERE NOT granted AND relation = 'configs_agentconfig'::regclass"


@pytest.fixture
def long_log(stream: str) -> str:
    """Return the name of a closed stream of 8 MB: a short line and 400 long ones."""
    publish(stream, line("short"))
    with StreamWriter(stream) as writer:
        for number in range(400):
            writer.write(line(f"{number} {'x' * 20_000}"))
    close_stream(stream)
    return stream


def test_clients_that_do_not_read_cost_no_memory(long_log: str, signed_in: dict[str, str]) -> None:
    """Eight clients ask for 8 MB and read nothing, while others show that the server goes on."""
    with WebProcess(LIVE_STALL_SECONDS="600") as web:

        def read_all() -> int:
            with web.follow(signed_in, long_log) as connection:
                return sum(len(event.records) for event in connection)

        assert read_all() == 402
        process = psutil.Process(web.process.pid)
        before = process.memory_info().rss
        stalled = [web.follow(signed_in, long_log, receive_buffer=4096).__enter__() for _ in range(8)]
        assert read_all() == read_all() == 402

        assert process.memory_info().rss - before < 16 * MEGABYTE
        # The first of them reads after all, and misses nothing.
        assert sum(len(event.records) for event in stalled[0]) == 402
        for connection in stalled:
            connection.__exit__()


def test_a_client_that_does_not_read_is_cut_off(long_log: str, signed_in: dict[str, str]) -> None:
    with WebProcess(LIVE_STALL_SECONDS="0.1") as web:
        with web.follow(signed_in, long_log, receive_buffer=4096) as connection:
            broken = select.poll()
            broken.register(connection.response.fileno(), 0)
            assert broken.poll(60_000)
            received = 0
            with pytest.raises(BROKEN):
                for event in connection:
                    received = event.records[-1][0]
        assert 0 < received < 402
        with web.follow(signed_in, long_log, last_event_id=f"{long_log}:{received}") as connection:
            assert next(iter(connection)).data["seq"] == received + 1


def test_a_server_that_is_asked_to_end_ends_its_streams(stream: str, signed_in: dict[str, str]) -> None:
    with WebProcess() as web, web.follow(signed_in, stream) as connection:
        half_a_request = socket.create_connection(("127.0.0.1", web.port))
        half_a_request.sendall(b"GET / HTTP/1.1\r\n")
        publish(stream, line("a"))
        events = iter(connection)
        next(events)

        assert web.stop() == 0
        with half_a_request:
            assert list(events) == []


def test_a_request_under_way_does_not_keep_a_server_that_is_asked_to_end(signed_in: dict[str, str]) -> None:
    with WebProcess() as web, connect() as session, ThreadPoolExecutor() as clients:
        with session.transaction():
            session.execute("LOCK TABLE configs_agentconfig IN ACCESS EXCLUSIVE MODE")
            page = clients.submit(httpx.get, f"{web.url}/agents/", headers=signed_in, timeout=60)
            while not session.execute(_WAITS).fetchone():
                assert not page.done()

            assert web.stop() == 0
        with pytest.raises(httpx.HTTPError):
            page.result()


def test_a_taken_port_is_named(web: WebProcess) -> None:
    outcome = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(web.port)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert outcome.returncode == 1
    assert str(web.port) in outcome.stderr
    assert "Address already in use" in outcome.stderr
    assert "Traceback" not in outcome.stderr


def test_processes_share_an_open_socket(stream: str, signed_in: dict[str, str]) -> None:
    publish(stream, line("a"))
    with socket.create_server(("127.0.0.1", 0)) as shared:
        command = [sys.executable, "manage.py", "serve", "--fd", str(shared.fileno())]
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(), pass_fds=[shared.fileno()], stdout=subprocess.DEVNULL
        )
        web = WebProcess()
        web.port = shared.getsockname()[1]
        with web.follow(signed_in, stream) as connection:
            assert next(iter(connection)).data["seq"] == 1
        process.terminate()
        assert process.wait(timeout=30) == 0


def test_a_wrong_port_is_misuse() -> None:
    with pytest.raises(CommandError, match="port"):
        call_command("serve", "--port", "http")

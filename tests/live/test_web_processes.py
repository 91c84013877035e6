from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from agentforge.live.streams import publish
from tests.drivers.web_process import ROOT, WebProcess, environment

from .test_streams import line

CONNECTIONS = 48


@pytest.fixture
def web(tmp_path: Path) -> Iterator[WebProcess]:
    processes = WebProcess(2, MOST_STREAMS_PER_PERSON="0", LOG_FORMAT="json")
    processes.log = tmp_path / "log"
    with processes:
        processes.output_line()
        yield processes


def serving(web: WebProcess) -> list[psutil.Process]:
    return psutil.Process(web.process.pid).children()


def viewers_of(process: psutil.Process, port: int) -> int:
    sockets = [socket for socket in process.net_connections() if socket.laddr.port == port]
    return sum(socket.status == psutil.CONN_ESTABLISHED for socket in sockets)


def test_processes_share_a_port_and_its_connections(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    publish(stream, line("a"))
    connections = [web.follow(signed_in, stream).__enter__() for _ in range(CONNECTIONS)]
    try:
        first = [next(iter(connection)) for connection in connections]
        shares = [
            sum(
                socket.laddr.port == web.port and socket.status == psutil.CONN_ESTABLISHED
                for socket in sockets
            )
            for sockets in (process.net_connections() for process in serving(web))
        ]
    finally:
        for connection in connections:
            connection.__exit__()

    assert [event.data["seq"] for event in first] == [1] * CONNECTIONS
    assert sum(shares) == CONNECTIONS
    # By chance, fewer than 8 of 48 go to one of two about once in two million runs.
    assert min(shares) >= 8


def test_each_says_in_one_piece_that_it_listens(transactional_db: None) -> None:
    # Of a socket of datagrams, each read gives what one write wrote.
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    command = [sys.executable, "manage.py", "serve", "--port", "0", "--processes", "2"]
    ours.settimeout(120)
    output = theirs.fileno()
    with ours, theirs, subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=output) as process:
        try:
            said = [ours.recv(1000).decode() for _ in range(2)]
        finally:
            process.terminate()
    assert re.fullmatch(r"(Listening on 127\.0\.0\.1, port \d+\n)\1", "".join(said))


def test_a_scrape_counts_what_all_of_them_did(web: WebProcess) -> None:
    for _ in range(20):
        assert (
            requests.get(f"{web.url}/livez", headers={"Connection": "close"}, timeout=30).status_code == 200
        )

    text = requests.get(f"{web.url}/metrics", timeout=30).text

    counted = [
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "agentforge_http_requests_total" and sample.labels["route"] == "livez"
    ]
    assert counted == [20.0]


def test_they_have_in_memory_once_what_they_import(web: WebProcess) -> None:
    assert requests.get(f"{web.url}/sign-in/", timeout=30).ok

    own = [process.memory_full_info().uss / 1e6 for process in serving(web)]

    # Each takes 95 MB when it imports everything for itself.
    assert len(own) == 2
    assert max(own) < 60


def test_a_killed_process_is_replaced_and_its_viewers_resume(
    web: WebProcess, stream: str, signed_in: dict[str, str], tmp_path: Path
) -> None:
    publish(stream, line("a"))
    first, second = serving(web)
    first.kill()
    # A connection that comes while its socket closes is reset.
    first.wait(timeout=30)
    # The other one takes all new connections meanwhile.
    for _ in range(8):
        with web.follow(signed_in, stream) as connection:
            assert next(iter(connection)).data["seq"] == 1

    assert web.output_line().startswith("Listening on ")
    assert second in serving(web)
    assert len(serving(web)) == 2
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    (said,) = [line for line in lines if line["level"] != "info"]
    assert (said["level"], said["message"]) == ("warning", "A web process ended (-9); starting another one.")


def test_all_end_with_the_one_that_was_started(web: WebProcess) -> None:
    children = serving(web)

    assert web.stop() == 0
    assert psutil.wait_procs(children, timeout=0)[1] == []


def test_none_outlives_the_one_that_was_started(web: WebProcess) -> None:
    children = serving(web)

    web.kill()

    assert psutil.wait_procs(children, timeout=30)[1] == []


def test_a_taken_port_is_named(web: WebProcess) -> None:
    outcome = subprocess.run(
        [sys.executable, "manage.py", "serve", "--port", str(web.port), "--processes", "2"],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert outcome.returncode == 1
    assert "Address already in use" in outcome.stderr
    assert "Traceback" not in outcome.stderr

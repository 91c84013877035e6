"""A launcher that is killed leaves nothing behind, or its next start cleans up."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import psycopg

from tests.drivers.forge import Forge


def test_programs_of_a_killed_launcher_end_by_themselves(var_dir: Path) -> None:
    with Forge(var_dir) as forge:
        forge.wait_until_ready()
        everything = forge.processes()
        forge.process.kill()
        _, left = psutil.wait_procs(everything, timeout=60)
        assert left == []


def test_the_next_start_works_when_all_were_killed_at_once(var_dir: Path) -> None:
    with Forge(var_dir) as forge:
        forge.wait_until_ready()
        # Again as long as there are any: one of them may have started another meanwhile.
        for _ in range(10):
            everything = forge.processes()
            for process in everything:
                with suppress(psutil.NoSuchProcess):
                    process.kill()
            psutil.wait_procs(everything, timeout=60)
        assert forge.processes() == []
        with Forge(var_dir, port=forge.port) as second:
            second.wait_until_ready()
            second.stop()
            assert second.processes() == []


def test_what_ignores_the_end_of_its_launcher_is_ended_by_the_next_start(var_dir: Path) -> None:
    with Forge(var_dir) as forge:
        forge.wait_until_ready()
        # Before it handles SIGTERM, the one of the guard could end it ahead of the stop.
        forge.wait_until_printed(r"worker +\| .*Taking jobs")
        stopped = forge.program("worker")
        stopped.suspend()
        forge.process.kill()
        with Forge(var_dir, port=forge.port) as second:
            second.wait_for("Stopped processes left behind by an interrupted run: .*worker")
            second.wait_until_ready()
            assert not stopped.is_running()
            second.stop()
            assert second.processes() == []


def test_a_killed_database_server_starts_when_its_last_process_has_ended(var_dir: Path) -> None:
    with Forge(var_dir) as forge:
        forge.wait_until_ready()
        with closing(psycopg.connect(_address(forge))) as connection:
            last = psutil.Process(connection.info.backend_pid)
            last.suspend()
            with _new_lines(var_dir / "postgres" / "log") as lines:
                forge.program("postgres").kill()
                # A start was tried while the suspended process held the memory of the dead server.
                assert any("shared memory block" in line for line in lines)
            last.resume()
            forge.wait_for("PostgreSQL is running again")
            last.wait(timeout=60)
        assert httpx.get(f"{forge.url}/healthz").status_code == 200
        assert forge.stop() == 128 + signal.SIGTERM


def test_a_database_server_that_does_not_start_again_ends_the_forge_without_a_traceback(
    var_dir: Path,
) -> None:
    configuration = var_dir / "postgres" / "postgresql.conf"
    before = configuration.read_text()
    try:
        with Forge(var_dir) as forge:
            forge.wait_until_ready()
            configuration.write_text(f"{before}no_such_setting = 1\n")
            forge.program("postgres").kill()
            forge.wait_for("The private PostgreSQL server did not start")
            assert forge.process.wait(timeout=60) == 1
    finally:
        configuration.write_text(before)
    assert "Exception ignored" not in forge.text


def _address(forge: Forge) -> str:
    lines = (forge.var_dir / "postgres" / "postmaster.pid").read_text().splitlines()
    return psycopg.conninfo.make_conninfo(host=lines[4], port=lines[3], user="postgres", dbname="postgres")


@contextmanager
def _new_lines(log: Path) -> Iterator[Iterator[str]]:
    """Follow what is written to a file from now on, for at most a minute."""
    command = ["timeout", "60", "tail", f"--bytes=+{log.stat().st_size + 1}", "--follow", str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as tail:
        assert tail.stdout is not None
        try:
            yield iter(tail.stdout)
        finally:
            tail.terminate()

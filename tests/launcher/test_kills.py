"""A launcher that is killed leaves nothing behind, or its next start cleans up."""

from __future__ import annotations

from pathlib import Path

import psutil

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
        everything = forge.processes()
        for process in everything:
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

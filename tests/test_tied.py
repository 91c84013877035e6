"""A test run that is killed leaves no process behind."""

from __future__ import annotations

import subprocess
import sys

import psutil
import pytest

from tests.drivers.web_process import ROOT, environment

RUN = """
import sys, django
django.setup()
from {module} import {driver}
with {driver}() as driver:
    print(driver.{process}.pid, flush=True)
    sys.stdin.read()
"""
DRIVERS = [
    ("tests.drivers.web_process", "WebProcess", "process"),
    ("tests.drivers.build_worker", "WorkerProcess", "_process"),
    ("tests.drivers.deployment_worker", "WorkerProcess", "_process"),
]


@pytest.mark.parametrize(("module", "driver", "process"), DRIVERS)
def test_a_killed_run_takes_its_processes_along(
    transactional_db: None, module: str, driver: str, process: str
) -> None:
    script = RUN.format(module=module, driver=driver, process=process)
    with subprocess.Popen(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(DJANGO_SETTINGS_MODULE="agentforge.settings"),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        started = psutil.Process(int(run.stdout.readline()))
        run.kill()
    started.wait(60)

from __future__ import annotations

import subprocess
import sys

from .drivers.forge import ROOT

SCRIPT = "import gc; print(gc.isenabled(), gc.get_freeze_count() > 100_000, gc.get_stats()[2]['collections'])"


def test_a_command_collects_its_own_garbage_and_its_start_none() -> None:
    command = [sys.executable, "manage.py", "shell", "-v", "0", "-c", SCRIPT]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout == "True True 0\n"

"""Programs that are stopped before they have a handler of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from agentforge import lifeline

# The signal arrives while a thread pool starts its thread. The pool doesn't know it, nor tell it to stop.
_INTERRUPTED = """
import os, signal, threading
from concurrent.futures import ThreadPoolExecutor
from agentforge import lifeline

lifeline.GRACE = 1.0
lifeline.hold()
wait = threading.Event.wait
def interrupted(event, timeout=None):
    done = wait(event, timeout)
    os.kill(os.getpid(), signal.SIGTERM)
    return done
threading.Event.wait = interrupted
pool = ThreadPoolExecutor()
pool.submit(print, "Started.")
"""


def _start(script: str) -> tuple[subprocess.Popen[str], int]:
    """Return a program that holds the lifeline, and the launcher's end of it."""
    program_end, launcher_end = os.pipe()
    program = subprocess.Popen(
        [sys.executable, "-c", script],
        env=os.environ | {lifeline.VARIABLE: str(program_end)},
        pass_fds=[program_end],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.close(program_end)
    return program, launcher_end


def test_a_stop_while_a_thread_starts_ends_the_program() -> None:
    program, launcher_end = _start(_INTERRUPTED)
    try:
        program.communicate(timeout=60)
    finally:
        program.kill()
        os.close(launcher_end)
    assert program.returncode == 128 + signal.SIGTERM


def test_a_program_that_starts_cleans_up_when_its_launcher_is_gone() -> None:
    script = """
import atexit, threading
from agentforge import lifeline

atexit.register(print, "Cleaned up.")
lifeline.hold()
print("Starting.", flush=True)
threading.Event().wait()
"""
    program, launcher_end = _start(script)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "Starting.\n"
        os.close(launcher_end)
        output, _ = program.communicate(timeout=60)
    finally:
        program.kill()
    assert (output, program.returncode) == ("Cleaned up.\n", 128 + signal.SIGTERM)


def test_a_stop_while_a_program_cleans_up_lets_it_clean_up() -> None:
    script = """
import atexit
from agentforge import lifeline

def clean_up():
    print("Cleaning up.", flush=True)
    input()
    print("Cleaned up.")

atexit.register(clean_up)
lifeline.hold()
"""
    program, launcher_end = _start(script)
    try:
        assert program.stdout is not None
        assert program.stdout.readline() == "Cleaning up.\n"
        program.terminate()
        output, _ = program.communicate("\n", timeout=60)
    finally:
        program.kill()
        os.close(launcher_end)
    assert (output, program.returncode) == ("Cleaned up.\n", 0)

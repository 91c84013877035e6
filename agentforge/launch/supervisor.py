"""Run processes side by side: print their output, restart those that die, stop all together."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil
from honcho.colour import get_colours

from agentforge import lifeline
from agentforge.restarts import LIVES, Restarts

from .instance import ProcessId
from .output import JsonOutput, TextOutput

PATIENCE = 10.0  # seconds a process gets to stop before it is killed

# The reaction to an event; a number ends the run with that exit code.
Action = Callable[[], int | None]


@dataclass
class Program:
    """One line of the Procfile."""

    name: str
    command: str
    optional: bool = False  # the others keep running without it
    colour: str = ""
    popen: subprocess.Popen[bytes] | None = None
    waiter: threading.Thread | None = None
    restarts: Restarts = field(default_factory=Restarts)


class Supervisor:
    """Runs programs until it is stopped, or until a required one can't be kept running."""

    def __init__(
        self,
        programs: list[Program],
        *,
        env: dict[str, str],
        record: Callable[[list[ProcessId]], None],
        json_lines: bool = False,
    ) -> None:
        self._events: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._programs = {program.name: program for program in programs}
        self._env = env
        self._record = record
        width = max(len(program.name) for program in programs)
        self._output = JsonOutput() if json_lines else TextOutput(width)
        self._lifeline, self._lifeline_held = os.pipe()
        self._guard: subprocess.Popen[bytes] | None = None
        for program, colour in zip(programs, get_colours(), strict=False):
            program.colour = colour

    def run(self) -> int:
        """Start the first program, keep all running, and return the exit code after all have ended."""
        with self._signals():
            self._start(next(iter(self._programs.values())))
            code = self._follow()
            self._end()
        return code

    def guard(self, var_dir: Path) -> None:
        """Start the process that guards the private database server (see guard)."""
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "agentforge.launch.guard", str(var_dir)],
            env={**self._env, lifeline.VARIABLE: str(self._lifeline)},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[self._lifeline],
        )

    def start_rest(self, message: str) -> None:
        """Start the remaining programs, from any thread, then print a message.

        Started together they would slow down the first one, which people wait for.
        """

        def start() -> None:
            for program in list(self._programs.values())[1:]:
                self._start(program)
            self.log(message)

        self._events.put(start)

    def stop(self, code: int) -> None:
        """Stop everything with an exit code, from any thread."""
        self._events.put(lambda: code)

    def stop_with(self, pid: int) -> None:
        """Stop everything when another process, such as the parent, has ended."""

        def wait() -> None:
            with contextlib.suppress(psutil.NoSuchProcess):
                psutil.Process(pid).wait()
            self.stop(1)

        threading.Thread(target=wait, name="parent", daemon=True).start()

    def log(self, text: str) -> None:
        """Print a line of the launcher among those of the programs."""
        self._output.own(text)

    def _follow(self) -> int:
        while True:
            code = self._events.get()()
            if code is not None:
                return code

    def _died(self, program: Program, code: int) -> int | None:
        pause = program.restarts.pause()
        if pause is not None:
            self.log(f"{program.name} exited ({_how(code)}); restarting it.")
            self._later(pause, partial(self._start, program))
            return None
        if program.optional:
            self.log(f"{program.name} exited {LIVES} times within a minute; continuing without it.")
            return None
        self.log(f"{program.name} exited {LIVES} times within a minute; everything stops. See above for why.")
        return 1

    def _later(self, pause: float, action: Action) -> None:
        timer = threading.Timer(pause, self._events.put, [action])
        timer.daemon = True
        timer.start()

    def _start(self, program: Program) -> None:
        popen = subprocess.Popen(  # noqa: S602 - a Procfile's lines are shell commands by convention
            f"exec {program.command}",
            shell=True,
            env={**self._env, lifeline.VARIABLE: str(self._lifeline)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[self._lifeline],
        )
        program.popen = popen
        program.waiter = threading.Thread(target=self._wait, args=(program, popen), daemon=True)
        program.waiter.start()
        threading.Thread(target=self._print, args=(program, popen.stdout or ()), daemon=True).start()
        self._record([entry for p in self._programs.values() if (entry := _process_id(p))])

    def _print(self, program: Program, output: Iterable[bytes]) -> None:
        for line in output:
            try:
                self._output.program(program.name, program.colour, line)
            except BrokenPipeError:  # nobody reads the output any more, as in `make run | head`
                self.stop(0)
                return

    def _wait(self, program: Program, popen: subprocess.Popen[bytes]) -> None:
        # Kill its process group too; its number can't be reused before it is reaped.
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        code = popen.wait()
        self._events.put(partial(self._died, program, code))

    def _end(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for number in (signal.SIGTERM, signal.SIGKILL):
            for program in self._programs.values():
                if program.popen:
                    program.popen.send_signal(number)
            for program in self._programs.values():
                if program.waiter:
                    program.waiter.join(max(0.0, deadline - time.monotonic()))
            deadline += PATIENCE
        self._record([])
        os.close(self._lifeline_held)
        if self._guard:
            self._guard.wait()

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        def stop(number: int, frame: object) -> None:
            self.stop(128 + number)

        handled = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]
        before = {number: signal.signal(number, stop) for number in handled}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _process_id(program: Program) -> ProcessId | None:
    if program.popen is None or program.popen.returncode is not None:
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        return ProcessId(program.name, program.popen.pid, psutil.Process(program.popen.pid).create_time())
    return None


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"

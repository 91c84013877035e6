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

from .forks import ForkServer, Process, end_group, reap_orphans
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
    process: Process | None = None
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
        var_dir: Path,
        forks: ForkServer | None = None,
    ) -> None:
        self._events: queue.SimpleQueue[Action] = queue.SimpleQueue()
        self._programs = programs
        self._var_dir = var_dir
        self._forks = forks
        self._fork_server = Program("forks", "", optional=True)
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
            self._start(self._fork_server) if self._forks else self._start_first()
            code = self._follow()
            self._end()
        return code

    def guard(self) -> None:
        """Start the process that guards the private database server; a fork server does that too."""
        if self._forks:
            return
        self._guard = subprocess.Popen(
            [sys.executable, "-m", "agentforge.launch.guard", str(self._var_dir)],
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
            for program in self._programs[1:]:
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

    def _start_first(self) -> None:
        """Start the program that people wait for, once; later this says that the fork server is back."""
        if self._programs[0].process is None:
            self._start(self._programs[0])
        elif self._forks and self._forks.is_ready:
            self.log("Programs are forked again.")

    def _all(self) -> tuple[Program, ...]:
        return (self._fork_server, *self._programs)

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

    def _reap(self) -> None:
        reap_orphans({each.process.pid for each in self._all() if each.process})

    def _later(self, pause: float, action: Action) -> None:
        timer = threading.Timer(pause, self._events.put, [action])
        timer.daemon = True
        timer.start()

    def _start(self, program: Program) -> None:
        process = self._process(program)
        program.process = process
        # Before anything that it prints is seen.
        self._record([entry for each in self._all() if (entry := _process_id(each))])
        program.waiter = threading.Thread(target=self._wait, args=(program, process), daemon=True)
        program.waiter.start()
        threading.Thread(target=self._print, args=(program, process.stdout or ()), daemon=True).start()

    def _process(self, program: Program) -> Process:
        if self._forks and program is self._fork_server:
            settled = partial(self._events.put, self._start_first)
            return self._forks.start(self._var_dir, self._env, self._lifeline, settled)
        if self._forks and (fork := self._forks.fork(program.command)):
            return fork
        return subprocess.Popen(  # noqa: S602 - a Procfile's lines are shell commands by convention
            f"exec {program.command}",
            shell=True,
            env={**self._env, lifeline.VARIABLE: str(self._lifeline)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=[self._lifeline],
        )

    def _print(self, program: Program, output: Iterable[bytes]) -> None:
        for line in output:
            try:
                self._output.program(program.name, program.colour, line)
            except BrokenPipeError:  # nobody reads the output any more, as in `make run | head`
                self.stop(0)
                return

    def _wait(self, program: Program, process: Process) -> None:
        # Kill its process group too; its number can't be reused before it is reaped.
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        end_group(process.pid)
        code = process.wait()
        self._events.put(partial(self._died, program, code))

    def _end(self) -> None:
        deadline = time.monotonic() + PATIENCE
        for number in (signal.SIGTERM, signal.SIGKILL):
            for program in self._all():
                if program.process:
                    program.process.send_signal(number)
            for program in self._all():
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

        def reap(number: int, frame: object) -> None:
            self._events.put(self._reap)

        handlers = dict.fromkeys([signal.SIGINT, signal.SIGTERM, signal.SIGHUP], stop)
        if self._forks:
            # What programs leave behind, such as a sandbox that is killed, becomes a child of this process.
            handlers[signal.SIGCHLD] = reap
        before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _process_id(program: Program) -> ProcessId | None:
    if program.process is None or program.process.returncode is not None:
        return None
    with contextlib.suppress(psutil.NoSuchProcess):
        pid = program.process.pid
        return ProcessId(program.name, pid, psutil.Process(pid).create_time())
    return None


def _how(code: int) -> str:
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit code {code}"

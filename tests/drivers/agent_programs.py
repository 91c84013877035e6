"""Compile the agent's programs with the sample configuration, and serve them."""

from __future__ import annotations

import functools
import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from agentforge.launch.lint import GO
from tests.standins.openai import OpenAIStandIn

from .forge import ROOT
from .go_tool import go_environment, shared_cache

HANDLE = "sample-agent"


# What files the agent knows: the passages of each, by its name and their places.
Passages = tuple[tuple[str, tuple[tuple[str, str], ...]], ...]


@functools.cache
def compiled(program: str, *, knows: Passages = (), asking: str = "", **capabilities: bool) -> Path:
    """Compile a program of the module for this machine: `standalone`, `draft`, `function`, `indexer`.

    The sample configuration has these capabilities and files as well; `asking` names a tool of it that
    asks a person before it runs.
    """
    target = Path(tempfile.mkdtemp(prefix="agentforge-program-")) / program
    overlay = target.parent / "overlay.json"
    replaced = _with_capabilities(target.parent, capabilities, knows, asking) | _with_index(
        target.parent, knows
    )
    overlay.write_text(json.dumps({"Replace": replaced}))
    flags = ["-trimpath", "-ldflags=-s -w", f"-overlay={overlay}"]
    command = [GO, "build", *flags, "-o", str(target), f"./{program}"]
    subprocess.run(command, cwd=ROOT / "agent", env=_go_environment(target.parent), check=True)
    return target


@functools.cache
def compiled_tests(package: str) -> Path:
    """Compile the tests of a package of the module, which may be a program for others to run."""
    target = Path(tempfile.mkdtemp(prefix="agentforge-program-")) / f"{package}.test"
    command = [GO, "test", "-c", "-trimpath", "-o", str(target), f"./{package}"]
    subprocess.run(command, cwd=ROOT / "agent", env=_go_environment(target.parent), check=True)
    return target


def _go_environment(home: Path) -> dict[str, str]:
    return go_environment(home, _cache(), cgo=False)


@functools.cache
def _cache() -> Path:
    return shared_cache("plain")


def _with_capabilities(
    directory: Path, capabilities: Mapping[str, bool], knows: Passages, asking: str
) -> dict[str, str]:
    """Return which file stands in for the sample configuration, if it has to change."""
    sample = ROOT / "agent" / "agent.json"
    if not capabilities and not knows and not asking:
        return {}
    configuration = json.loads(sample.read_text())
    configuration["capabilities"] |= capabilities
    if asking:
        configuration["capabilities"]["permissions"] = {asking: ["ask"]}
    if knows:
        files = [{"name": name, "sha256": "0" * 64, "text": "0" * 64} for name, _ in knows]
        configuration["knowledge"] = {"files": files, "trusted": True}
    changed = directory / "agent.json"
    changed.write_text(json.dumps(configuration))
    return {str(sample): str(changed)}


def _with_index(directory: Path, knows: Passages) -> dict[str, str]:
    """Return which file stands in for the sample's index, if the agent knows any."""
    if not knows:
        return {}
    chunks = [
        {"name": name, "chunks": [{"place": place, "text": text} for place, text in passages]}
        for name, passages in knows
    ]
    documents, index = directory / "documents.json", directory / "knowledge.bin"
    documents.write_text(json.dumps(chunks))
    subprocess.run([compiled("indexer"), documents, index], check=True)
    return {str(ROOT / "agent" / "knowledge.bin"): str(index)}


def environment_for(model: OpenAIStandIn) -> dict[str, str]:
    """Return the variables with which the sample agent asks a stand-in."""
    return {"OPENAI_API_KEY": model.key, "OPENAI_BASE_URL": model.url}


@dataclass
class Served:
    """A running server: its address, what it logged at its start, and its process."""

    url: str
    log: list[str]
    process: subprocess.Popen[str]


@contextmanager
def serving(
    model: OpenAIStandIn,
    *arguments: str,
    address: str = "127.0.0.1:0",
    also: str = "",
    asking: str = "",
    **variables: str,
) -> Iterator[Served]:
    """Serve the sample agent until the end of the block; a server that does not stop then is a failure.

    `also` names a capability that it has beside those of the sample, `asking` a tool that asks first.
    """
    program = compiled("standalone", asking=asking, **({also: True} if also else {}))
    command = [str(program), "--serve", address, *arguments]
    environment = environment_for(model) | variables
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        log = [process.stderr.readline()]
        # A token that was made for this start is announced in two more lines.
        if "AGENT_TOKEN" not in variables and not address.startswith("127."):
            log += [process.stderr.readline(), process.stderr.readline()]
        try:
            url = next((word for word in log[0].split() if word.startswith("http://")), "")
            assert url, log
            yield Served(url, log, process)
        finally:
            process.terminate()
            assert process.wait(60) == 0

"""Compile what the measurement of an agent runs: agents as the forge does, and the instruments."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .stage import ROOT

if TYPE_CHECKING:
    from builds.compiler.inputs import Inputs


@dataclass(frozen=True)
class Programs:
    """One agent, compiled: the commands that run it, its files, and its system prompt."""

    executable: list[str]
    hosted: list[str]
    # An executable with each provider's protocol and each tool, and no agent.
    everything: Path
    instruments: str
    prompt: str

    @property
    def commands(self) -> dict[str, list[str]]:
        return {"executable": self.executable, "host with plugin": self.hosted}


def compile_programs(directory: Path) -> Programs:
    """Compile the agent for this machine in an empty directory, without the sandbox."""
    from builds.compiler import sources
    from builds.compiler.inputs import gather
    from builds.compiler.toolchain import machine

    document, prompt = _document()
    plugin = gather(document)
    executable = gather(document, "-".join(machine()))
    trees = {name: directory / f"src-{name}" for name in ("plugin", "host", "standalone", "everything")}
    for tree in trees.values():
        tree.mkdir()
    sources.lay_out_alone(trees["host"], plugin.sources, "host")
    sources.lay_out_neutral(trees["everything"], plugin.sources, target="standalone")
    for name, inputs in (("plugin", plugin), ("standalone", executable)):
        sources.lay_out_agent(
            trees[name], inputs.sources, target=name, module=inputs.module, document=document
        )
    agent = _compile(plugin, trees["plugin"], "plugin", "plugin")
    host = _compile(plugin, trees["host"], "host", "exe")
    alone = _compile(executable, trees["standalone"], "standalone", "default")
    everything = _compile(executable, trees["everything"], "standalone", "default")
    instruments = _compile(executable, ROOT / "bench" / "instruments", "", "default", directory)
    return Programs([str(alone)], [str(host), str(agent)], everything, str(instruments), prompt)


def environment(provider: str) -> dict[str, str]:
    """Return the whole environment of an agent, ours or a rival's, that asks the provider at a URL."""
    # The frameworks report to their makers if nobody forbids it.
    silent = {"OPENAI_AGENTS_DISABLE_TRACING": "1", "DO_NOT_TRACK": "1"}
    return {
        "PATH": os.environ["PATH"],
        "OPENAI_API_KEY": "sk-none",
        "OPENAI_BASE_URL": f"{provider}/v1",
        **silent,
    }


def _document() -> tuple[str, str]:
    """Return the configuration of an agent with two tools, and its system prompt."""
    from configs.models import AgentConfig
    from configs.presets import PRESET_VALUES
    from configs.revisions import canonical_json, configuration

    values = {**PRESET_VALUES["balanced"], "provider": "openai", "model": "instant"}
    agent = AgentConfig(name="Ada", handle="ada", tools=["calculator", "clock"], **values)
    sections = configuration(agent)
    return canonical_json(sections), str(sections["system_prompt"])


def _compile(inputs: Inputs, tree: Path, package: str, mode: str, home: Path | None = None) -> Path:
    """Return the compiled program, which is in `home`, or else in the tree."""
    from builds.compiler.go_command import cache_directory

    home = home or tree
    output = home / (f"{package}.out" if package else "instruments")
    chain = inputs.toolchain
    command = chain.build_command(package=f"./{package}", output=output, mode=mode)
    subprocess.run(
        command,
        cwd=tree,
        env=chain.environment(cache=cache_directory(), home=home),
        check=True,
        stderr=subprocess.DEVNULL,
    )
    return output

"""Compile one revision into a plugin and its host, and load the plugin to see that it is what was asked."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import processes, sandbox, sources, storage, toolchain, warmup
from .buildlog import BuildLog
from .errors import BuildError
from .gocommand import go_directory, run_go
from .toolchain import Toolchain

TARGETS = ("plugin",)
COMPILE_LIMITS = {
    "gcc": sandbox.Limits(seconds=180, data=512),
    "zig": sandbox.Limits(seconds=300, data=1024),
}
_PACKAGE = re.compile(r"[a-z0-9_./-]+")
LOAD_LIMITS = sandbox.Limits(seconds=20, data=512, file_size=1)
STEPS = (
    "Lay out the sources",
    "Compile the plugin",
    "Compile the host",
    "Load the plugin in the host",
    "Store the files",
)
_LAY_OUT, _PLUGIN, _HOST, _LOAD, STORE = STEPS


@dataclass(frozen=True)
class Inputs:
    """Hold everything that a build is a function of (law 5)."""

    document: str
    target: str
    sources: sources.Sources
    toolchain: Toolchain

    @property
    def revision_sha256(self) -> str:
        return hashlib.sha256(self.document.encode()).hexdigest()

    @property
    def digest(self) -> str:
        """Return the sha256 over revision, target, sources and toolchain, in hex."""
        parts = (self.revision_sha256, self.target, self.sources.digest, self.toolchain.digest)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Compiled:
    """Name the results, still in the throwaway directory, and what the loaded plugin said of itself."""

    plugin: Path
    host: Path
    manifest: dict[str, Any]
    module: str


def gather(document: str, target: str = "plugin") -> Inputs:
    """Return the inputs of a build as they are on this machine now.

    Raises ToolchainMissing, or BuildError for a target that can't be built here.
    """
    if target not in TARGETS:
        raise BuildError(f"The target {target} can't be built here; this forge builds {', '.join(TARGETS)}.")
    return Inputs(document, target, sources.read(), toolchain.find())


async def compile_agent(inputs: Inputs, work: Path, log: BuildLog) -> Compiled:
    """Compile in the empty directory `work`, then load the plugin; every line goes to the log as it comes.

    Raises BuildError with the compiler's message, or with what the loaded plugin got wrong.
    """
    module = sources.module_path(inputs.document, inputs.sources)
    await warmup.ensure(inputs.toolchain, inputs.sources, log)
    tree = work / "src"
    with log.step(_LAY_OUT):
        tree.mkdir()
        sources.lay_out_agent(
            tree, inputs.sources, target=inputs.target, module=module, document=inputs.document
        )
        log.say(f"{module}, tools: {', '.join(sources.chosen_tools(inputs.document)) or 'none'}")
    plugin = work / "agent.so"
    with log.step(_PLUGIN):
        await _go_build(inputs.toolchain, "./plugin", plugin, "plugin", tree, work, log)
    with log.step(_HOST):
        host = await _host(inputs, work, log)
    with log.step(_LOAD):
        manifest = await load(host, plugin, work)
        _compare(manifest, inputs, module)
        log.say(f"Loaded: {manifest['name']} {manifest['version']}, {manifest['go']}")
    return Compiled(plugin, host, manifest, module)


async def _go_build(
    chain: Toolchain, package: str, output: Path, mode: str, tree: Path, home: Path, log: BuildLog
) -> None:
    command = chain.build_command(package=package, output=output, mode=mode)
    log.line("out", "$ go " + " ".join(command[1:]).replace(str(home), "$WORK"))

    def on_line(stream: str, text: str) -> None:
        # Go names the packages that it compiles on stderr; that is progress, and not what went wrong.
        log.line("out" if _PACKAGE.fullmatch(text) else stream, text)

    await run_go(chain, command, tree, home, on_line, limits=COMPILE_LIMITS[chain.cc_kind])


def _kept_host(inputs: Inputs) -> Path:
    directory = go_directory() / "hosts"
    directory.mkdir(exist_ok=True)
    key = f"{inputs.toolchain.digest}\0{inputs.sources.host_digest}"
    return directory / hashlib.sha256(key.encode()).hexdigest()


async def _host(inputs: Inputs, work: Path, log: BuildLog) -> Path:
    """Return the host of this toolchain and these sources, compiled the first time."""
    kept = _kept_host(inputs)
    digest_file = kept.with_suffix(".sha256")
    if kept.exists() and digest_file.exists() and storage.hash_file(kept) == digest_file.read_text():
        log.say("The host of this toolchain is already compiled.")
        return kept
    tree = work / "host-src"
    tree.mkdir()
    sources.lay_out_host(tree, inputs.sources)
    output = work / "agentforge-host"
    await _go_build(inputs.toolchain, "./host", output, "exe", tree, work, log)
    temporary = kept.with_suffix(f".{work.name}")
    shutil.copyfile(output, temporary)
    temporary.chmod(0o755)
    digest_file.write_text(storage.hash_file(temporary))
    temporary.replace(kept)
    return kept


async def load(host: Path, plugin: Path, work: Path) -> dict[str, Any]:
    """Load a plugin in the host, in the sandbox, and return the manifest that it answers with.

    Raises BuildError with the host's own words when the plugin does not load.
    """
    told: dict[str, list[str]] = {"out": [], "err": []}
    room = sandbox.Room(work, reads=[plugin, host])
    finished = await processes.run(
        sandbox.wrap([str(host), "--manifest", str(plugin)], room, LOAD_LIMITS),
        directory=work,
        environment={},
        seconds=LOAD_LIMITS.seconds,
        on_line=lambda stream, text: told[stream].append(text),
    )
    if finished.timed_out or finished.exit_code != 0:
        reason = "\n".join(told["err"][-20:]) or f"it ended with {finished.exit_code}"
        raise BuildError(
            f"The plugin was compiled, but the host can't load it: {reason}", exit_code=finished.exit_code
        )
    try:
        manifest: dict[str, Any] = json.loads("\n".join(told["out"]))
    except ValueError as error:
        raise BuildError("The plugin was loaded, but its manifest is not JSON.") from error
    return manifest


def _compare(manifest: dict[str, Any], inputs: Inputs, module: str) -> None:
    """Raise BuildError when the loaded plugin is not the agent that was asked for."""
    asked = json.loads(inputs.document)
    expected = {
        "name": asked["identity"]["name"],
        "handle": asked["identity"]["handle"],
        "version": asked["identity"]["version"],
        "tools": asked["capabilities"]["tools"],
        "config_sha256": inputs.revision_sha256,
        "go": inputs.toolchain.go,
        "module": module,
    }
    wrong = [name for name, value in expected.items() if (manifest.get(name) or []) != (value or [])]
    if wrong:
        raise BuildError(
            f"The plugin was loaded, but it is not the agent that was asked for: {', '.join(wrong)}."
        )

"""Check that what was compiled is what was asked: by running it, or by its build information."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from builds.errors import BuildError
from builds.logs.build_log import BuildLog

from . import processes, sandbox
from .go_command import COMPILE_LIMITS, run_go
from .inputs import Compiled, Inputs
from .targets import PLUGIN_KIND

LOAD_LIMITS = sandbox.Limits(seconds=20, data=512, file_size=1)
# The first bytes of an executable, by operating system.
_MAGIC = {"linux": b"\x7fELF", "darwin": b"\xcf\xfa\xed\xfe", "windows": b"MZ"}


async def check(inputs: Inputs, compiled: Compiled, work: Path, log: BuildLog) -> None:
    """Check one compiled target, and say in the log what it is.

    Raises BuildError when it is not the agent that was asked for, or not for the system that was.
    """
    if inputs.spec.is_native:
        manifest = await run_for_manifest(compiled, work)
        _compare(manifest, inputs)
        how = "Loaded" if compiled.host else "Ran"
        log.say(f"{how}: {manifest['name']} {manifest['version']}, {manifest['go']}")
    else:
        files = [compiled.program, *([compiled.host] if compiled.host else [])]
        for file in files:
            await _check_unrun(inputs, file, work, is_agent=file == compiled.program)
        log.say(f"Its format and build information are those of {inputs.spec.goos}/{inputs.spec.goarch}.")


async def run_for_manifest(compiled: Compiled, work: Path) -> dict[str, Any]:
    """Run what was compiled in the sandbox, a plugin in its host, and return the manifest that it tells.

    Raises BuildError with the program's own words when it does not.
    """
    program, host = compiled.program, compiled.host
    command = [str(host), "--manifest", str(program)] if host else [str(program), "--manifest"]
    told: dict[str, list[str]] = {"out": [], "err": []}
    finished = await processes.run(
        sandbox.wrap(
            command, sandbox.FileAccess(work, reads=[program, *([host] if host else [])]), LOAD_LIMITS
        ),
        directory=work,
        environment={},
        seconds=LOAD_LIMITS.seconds,
        on_line=lambda stream, text: told[stream].append(text),
    )
    if finished.timed_out or finished.exit_code != 0:
        reason = "\n".join(told["err"][-20:]) or f"it ended with {finished.exit_code}"
        what = "The plugin was compiled, but the host can't load it" if host else "It was compiled, but fails"
        raise BuildError(f"{what}: {reason}", exit_code=finished.exit_code)
    try:
        manifest: dict[str, Any] = json.loads("\n".join(told["out"]))
    except ValueError as error:
        raise BuildError("What was compiled ran, but its manifest is not JSON.") from error
    return manifest


def _compare(manifest: dict[str, Any], inputs: Inputs) -> None:
    """Raise BuildError when what ran is not the agent that was asked for."""
    wrong = [name for name, value in inputs.manifest.items() if (manifest.get(name) or []) != (value or [])]
    if wrong:
        raise BuildError(f"What was compiled is not the agent that was asked for: {', '.join(wrong)}.")


async def _check_unrun(inputs: Inputs, file: Path, work: Path, *, is_agent: bool) -> None:
    """Check what this machine can't run: its first bytes, its build information, and the agent in it."""
    with file.open("rb") as content:
        if not content.read(4).startswith(_MAGIC[inputs.spec.goos]):
            raise BuildError(f"What was compiled is no program of {inputs.spec.goos}.")
    if is_agent and inputs.document.encode() not in file.read_bytes():
        raise BuildError("What was compiled does not hold the agent's configuration.")
    info = await build_info(inputs, file, work)
    found = {each["Key"]: each["Value"] for each in info["Settings"]}
    expected = {
        "GOOS": inputs.spec.goos,
        "GOARCH": inputs.spec.goarch,
        "CGO_ENABLED": "1" if inputs.spec.cgo else "0",
        "-trimpath": "true",
    }
    if is_agent and inputs.spec.kind == PLUGIN_KIND:
        expected["-buildmode"] = "plugin"
    wrong = [name for name, value in expected.items() if found.get(name) != value]
    if info["GoVersion"] != inputs.toolchain.go:
        wrong.append("GoVersion")
    if is_agent and info["Main"]["Path"] != inputs.module:
        wrong.append("module")
    if wrong:
        raise BuildError(f"The build information is not what was asked for: {', '.join(wrong)}.")


async def build_info(inputs: Inputs, file: Path, work: Path) -> dict[str, Any]:
    """Return the build information that Go wrote into a file, as `go version -m -json` tells it.

    Raises BuildError when it holds none.
    """
    told: list[str] = []

    def keep(stream: str, text: str) -> None:
        if stream == "out":
            told.append(text)

    chain = inputs.toolchain
    command = [chain.go_command, "version", "-m", "-json", str(file)]
    await run_go(chain, command, work, work, keep, limits=COMPILE_LIMITS[chain.cc_kind], reads=[file])
    try:
        info: dict[str, Any] = json.loads("\n".join(told))
    except ValueError as error:
        raise BuildError("What was compiled holds no build information.") from error
    return info

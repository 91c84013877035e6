"""Check compiled programs: run them, or read their build information if they are for another system."""

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

LOAD_LIMITS = sandbox.Limits(seconds=20, data=512, file_size=1, output=1)
# The first bytes of an executable, by operating system.
_MAGIC = {"linux": b"\x7fELF", "darwin": b"\xcf\xfa\xed\xfe", "windows": b"MZ"}


async def check(inputs: Inputs, compiled: Compiled, work: Path, log: BuildLog) -> None:
    """Check a compiled target and log the result.

    Raises BuildError if it is not the requested agent or not for the requested system.
    """
    if inputs.spec.is_native:
        manifest = await run_for_manifest(compiled, work)
        _compare(manifest, inputs)
        how = "Loaded" if compiled.host else "Ran"
        log.info(f"{how}: {manifest['name']} {manifest['version']}, {manifest['go']}")
    else:
        files = [compiled.program, *([compiled.host] if compiled.host else [])]
        for file in files:
            await _check_foreign(inputs, file, work, is_agent=file == compiled.program)
        log.info(f"Its format and build information match {inputs.spec.goos}/{inputs.spec.goarch}.")


async def run_for_manifest(compiled: Compiled, work: Path) -> dict[str, Any]:
    """Run the program in the sandbox, a plugin in its host, and return the manifest that it prints.

    Raises BuildError with the program's error output if it fails.
    """
    program, host = compiled.program, compiled.host
    command = [str(host), "--manifest", str(program)] if host else [str(program), "--manifest"]
    output: dict[str, list[str]] = {"out": [], "err": []}
    status = await processes.run(
        sandbox.wrap(
            command, sandbox.FileAccess(work, reads=[program, *([host] if host else [])]), LOAD_LIMITS
        ),
        directory=work,
        environment={},
        seconds=LOAD_LIMITS.seconds,
        output_bytes=LOAD_LIMITS.output_bytes,
        on_line=lambda stream, text: output[stream].append(text),
    )
    if status.timed_out or status.flooded or status.exit_code != 0:
        reason = _reason(status, output["err"])
        what = "The plugin was compiled, but the host can't load it" if host else "It was compiled, but fails"
        raise BuildError(f"{what}: {reason}", exit_code=status.exit_code)
    try:
        manifest: dict[str, Any] = json.loads("\n".join(output["out"]))
    except ValueError as error:
        raise BuildError("The compiled program ran, but its manifest is not JSON.") from error
    return manifest


def _reason(status: processes.ExitStatus, errors: list[str]) -> str:
    if status.flooded:
        return f"it printed more than {LOAD_LIMITS.output} MB"
    return "\n".join(errors[-20:]) or f"exit code {status.exit_code}"


def _compare(manifest: dict[str, Any], inputs: Inputs) -> None:
    wrong = [name for name, value in inputs.manifest.items() if (manifest.get(name) or []) != (value or [])]
    if wrong:
        raise BuildError(f"The compiled program is not the requested agent: {', '.join(wrong)}.")


async def _check_foreign(inputs: Inputs, file: Path, work: Path, *, is_agent: bool) -> None:
    """Check a program for another system: its magic bytes, build information and embedded configuration."""
    with file.open("rb") as content:
        if not content.read(4).startswith(_MAGIC[inputs.spec.goos]):
            raise BuildError(f"The compiled file is not a program for {inputs.spec.goos}.")
    if is_agent and inputs.document.encode() not in file.read_bytes():
        raise BuildError("The compiled program does not contain the agent's configuration.")
    info = await build_info(inputs, file, work)
    settings = {each["Key"]: each["Value"] for each in info["Settings"]}
    expected = {
        "GOOS": inputs.spec.goos,
        "GOARCH": inputs.spec.goarch,
        "CGO_ENABLED": "1" if inputs.spec.cgo else "0",
        "-trimpath": "true",
    }
    if is_agent and inputs.spec.kind == PLUGIN_KIND:
        expected["-buildmode"] = "plugin"
    wrong = [name for name, value in expected.items() if settings.get(name) != value]
    if info["GoVersion"] != inputs.toolchain.go:
        wrong.append("GoVersion")
    if is_agent and info["Main"]["Path"] != inputs.module:
        wrong.append("module")
    if wrong:
        raise BuildError(f"The build information differs from the request: {', '.join(wrong)}.")


async def build_info(inputs: Inputs, file: Path, work: Path) -> dict[str, Any]:
    """Return the build information in a Go program, as printed by `go version -m -json`.

    Raises BuildError if it has none.
    """
    output: list[str] = []

    def collect(stream: str, text: str) -> None:
        if stream == "out":
            output.append(text)

    toolchain = inputs.toolchain
    command = [toolchain.go_command, "version", "-m", "-json", str(file)]
    limits = COMPILE_LIMITS[toolchain.cc_kind]
    await run_go(toolchain, command, work, work, collect, limits=limits, reads=[file])
    try:
        info: dict[str, Any] = json.loads("\n".join(output))
    except ValueError as error:
        raise BuildError("The compiled program has no build information.") from error
    return info

"""Assemble the package of a compiled agent."""

from __future__ import annotations

import functools
import hashlib
import json
import mmap
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from builds.artifacts import local_store
from builds.compiler.inputs import Compiled, Inputs
from builds.compiler.targets import EXECUTABLE_KIND, PLUGIN_KIND

from . import provenance, readme, signer

HOST = "agentforge-host"
BOOTSTRAP = "bootstrap"
MANIFEST = "manifest.json"
README = "README.md"
LICENSES = "LICENSES"
SUMS = "SHA256SUMS"
SBOM = "sbom.cdx.json"
PROVENANCE = "provenance.dsse.json"
PUBLIC_KEY = "forge.pub"
# Files that depend on the forge's key: not in SHA256SUMS, and replaced when the key changes.
SIGNATURES = frozenset({PROVENANCE, PUBLIC_KEY})
_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?")
_GLIBC = re.compile(rb"GLIBC_2\.(\d{1,3})\b")


@dataclass(frozen=True)
class File:
    name: str
    data: bytes
    # If somebody has computed it already.
    known_sha256: str = field(default="", repr=False, compare=False)

    @functools.cached_property
    def sha256(self) -> str:
        return self.known_sha256 or hashlib.sha256(self.data).hexdigest()


def is_executable(name: str) -> bool:
    """Return whether a file of a package is a host, an executable or a function."""
    return name in (HOST, BOOTSTRAP) or name.endswith(".exe") or _HANDLE.fullmatch(name) is not None


def plugin_name(handle: str) -> str:
    """Return the plugin's file name: the handle if it is a safe name, otherwise `agent`."""
    return f"{_safe_name(handle)}.so"


def _safe_name(handle: str) -> str:
    return handle if _HANDLE.fullmatch(handle) else "agent"


def program_name(inputs: Inputs) -> str:
    """Return the file name of a target's program."""
    handle = str(inputs.manifest["handle"])
    if inputs.spec.kind == PLUGIN_KIND:
        return plugin_name(handle)
    if inputs.spec.kind == EXECUTABLE_KIND:
        return _safe_name(handle) + (".exe" if inputs.spec.goos == "windows" else "")
    return BOOTSTRAP


def program_file(inputs: Inputs, compiled: Compiled) -> File:
    return File(program_name(inputs), compiled.program.read_bytes())


def assemble(inputs: Inputs, compiled: Compiled, program: File | None = None) -> list[File]:
    """Return the files of a package without signatures; they contain no time: same inputs, same bytes.

    `program` is the first of them, if it was read already.
    """
    binaries = [program or program_file(inputs, compiled)]
    if compiled.host is not None:
        # All agents share it, so that its hash is known.
        binaries.append(File(HOST, compiled.host.read_bytes(), local_store.hash_of(compiled.host)))
    files = [
        *binaries,
        File(MANIFEST, _manifest(inputs, compiled, binaries)),
        File(README, readme.readme(inputs, binaries[0].name).encode()),
        File(LICENSES, readme.licenses().encode()),
        File(SBOM, provenance.sbom(inputs, binaries)),
    ]
    sums = "".join(f"{file.sha256}  {file.name}\n" for file in files)
    return [*files, File(SUMS, sums.encode())]


def signed_package(inputs: Inputs, compiled: Compiled) -> list[File]:
    files = assemble(inputs, compiled)
    return [*files, *signatures(inputs, files)]


def signatures(inputs: Inputs, files: Iterable[provenance.HashedFile]) -> list[File]:
    """Return a package's provenance, signed with the forge's key, and the public key."""
    key = signer.own_key()
    statement = provenance.statement(inputs, [file for file in files if file.name not in SIGNATURES])
    return [File(PROVENANCE, signer.envelope(statement, key)), File(PUBLIC_KEY, key.pem)]


def _glibc(path: Path) -> int:
    """Return the newest glibc minor version that an ELF file requires; 0 for none."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return max((int(match[1]) for match in _GLIBC.finditer(content)), default=0)


@functools.lru_cache(maxsize=16)
def _host_glibc(path: Path, sha256: str) -> int:
    """Return what `_glibc` does, once for all agents with the same host; `sha256` is that of the file."""
    return _glibc(path)


def _manifest(inputs: Inputs, compiled: Compiled, binaries: list[File]) -> bytes:
    content: dict[str, Any] = {
        "schema": 1,
        "agent": inputs.manifest,
        "module": inputs.module,
        "revision_sha256": inputs.revision_sha256,
        "sources_sha256": inputs.sources_sha256,
        "input_sha256": inputs.digest,
        "target": inputs.target,
        "toolchain": inputs.toolchain.describe(),
        "files": {file.name: {"sha256": file.sha256, "size": len(file.data)} for file in binaries},
    }
    if compiled.host is not None:
        content["host_needs"] = _host_needs(inputs, compiled.program, compiled.host, binaries[1].sha256)
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _host_needs(inputs: Inputs, plugin: Path, host: Path, host_sha256: str) -> dict[str, object]:
    toolchain = inputs.toolchain.describe()
    keys = ("go", "goos", "goarch", "goamd64", "goexperiment", "tags", "trimpath", "cgo")
    glibc = max(_glibc(plugin), _host_glibc(host, host_sha256))
    needs = {**{key: toolchain[key] for key in keys}, "race": False}
    return {**needs, "glibc_at_least": f"2.{glibc}" if glibc else ""}

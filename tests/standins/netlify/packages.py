"""Validate an uploaded function as Netlify does: a zip whose `bootstrap` is an executable for amd64."""

from __future__ import annotations

import io
import json
import zipfile

_ELF, _CLASS_64, _AMD64 = b"\x7fELF", 2, 0x3E
# Linked at fixed addresses, or at any.
_EXECUTABLE = (2, 3)


def fault(runtime: str, content: bytes) -> str:
    """Return why a zip can't be run, empty if it can."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        return "function is not a zip file"
    if runtime == "js":
        return ""
    if runtime != "go":
        return f"unsupported runtime: {runtime or 'none given'}"
    names = {entry.filename: entry for entry in archive.infolist()}
    if "bootstrap" not in names:
        return "the zip has no bootstrap"
    if names["bootstrap"].external_attr >> 16 & 0o111 == 0:
        return "bootstrap is not executable"
    if not _is_executable(archive.read("bootstrap")[:20]):
        return "bootstrap is not an executable for linux/amd64"
    toolchain = (
        json.loads(archive.read("netlify-toolchain")) if "netlify-toolchain" in names else {"runtime": "go"}
    )
    return "" if toolchain.get("runtime") == "go" else "netlify-toolchain names another runtime"


def _is_executable(head: bytes) -> bool:
    if len(head) < 20 or head[:4] != _ELF or head[4] != _CLASS_64:
        return False
    kind, machine = (int.from_bytes(head[at : at + 2], "little") for at in (16, 18))
    return kind in _EXECUTABLE and machine == _AMD64

"""Look at an uploaded function as Netlify would: a zip with an executable for amd64."""

from __future__ import annotations

import io
import json
import zipfile

_ELF, _CLASS_64, _AMD64 = b"\x7fELF", 2, 0x3E


def fault(runtime: str, content: bytes) -> str:
    """Say what keeps a zip from being run; empty when nothing does."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except zipfile.BadZipFile:
        return "function is not a zip file"
    if runtime == "js":
        return ""
    if runtime != "go":
        return f"unsupported runtime: {runtime or 'none given'}"
    names = {entry.filename: entry for entry in archive.infolist()}
    entry = names.get("bootstrap") or next(iter(names.values()), None)
    if entry is None:
        return "the zip is empty"
    if entry.external_attr >> 16 & 0o111 == 0:
        return f"{entry.filename} is not executable"
    head = archive.read(entry)[:20]
    if head[:4] != _ELF or head[4] != _CLASS_64 or int.from_bytes(head[18:20], "little") != _AMD64:
        return f"{entry.filename} is not an executable for linux/amd64"
    told = (
        json.loads(archive.read("netlify-toolchain")) if "netlify-toolchain" in names else {"runtime": "go"}
    )
    return "" if told.get("runtime") == "go" else "netlify-toolchain names another runtime"

"""Say what is handed out with a compiled agent, and write its accompanying papers."""

from __future__ import annotations

import functools
import hashlib
import json
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .compiler import Compiled, Inputs

HOST = "agentforge-host"
MANIFEST = "manifest.json"
README = "README.md"
LICENSES = "LICENSES"
SUMS = "SHA256SUMS"
EXECUTABLE = frozenset({HOST})
_HANDLE = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,38}[a-z0-9])?")
_GLIBC = re.compile(rb"GLIBC_2\.(\d{1,3})\b")
_GO_LICENSE = Path(__file__).parent / "licenses" / "GO-LICENSE"


@dataclass(frozen=True)
class File:
    """Name one file of a package and hold its bytes."""

    name: str
    data: bytes

    @functools.cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


def plugin_name(handle: str) -> str:
    """Return the plugin's file name: the handle where it is a plain one, else `agent`."""
    return f"{handle if _HANDLE.fullmatch(handle) else 'agent'}.so"


def assemble(inputs: Inputs, compiled: Compiled) -> list[File]:
    """Return the files of a package; the same inputs give the same bytes, so no time is in them."""
    plugin = File(plugin_name(str(compiled.manifest["handle"])), compiled.plugin.read_bytes())
    host = File(HOST, compiled.host.read_bytes())
    binaries = [plugin, host]
    glibc = max(_glibc(compiled.plugin), _glibc(compiled.host))
    files = [
        *binaries,
        File(MANIFEST, _manifest(inputs, compiled, binaries, glibc)),
        File(README, _readme(inputs, plugin.name).encode()),
        File(LICENSES, _licenses().encode()),
    ]
    sums = "".join(f"{file.sha256}  {file.name}\n" for file in files)
    return [*files, File(SUMS, sums.encode())]


def _glibc(path: Path) -> int:
    """Return the newest glibc minor version whose symbols an ELF file asks for, 0 for none."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return max((int(found[1]) for found in _GLIBC.finditer(content)), default=0)


def _manifest(inputs: Inputs, compiled: Compiled, binaries: list[File], glibc: int) -> bytes:
    tools = inputs.toolchain.describe()
    keys = ("go", "goos", "goarch", "goamd64", "goexperiment", "tags", "trimpath", "cgo")
    needs = {
        **{key: tools[key] for key in keys},
        "race": False,
        "glibc_at_least": f"2.{glibc}" if glibc else "",
    }
    content: dict[str, Any] = {
        "schema": 1,
        "agent": compiled.manifest,
        "module": compiled.module,
        "revision_sha256": inputs.revision_sha256,
        "sources_sha256": inputs.sources.digest,
        "input_sha256": inputs.digest,
        "target": inputs.target,
        "toolchain": tools,
        "host_needs": needs,
        "files": {file.name: {"sha256": file.sha256, "size": len(file.data)} for file in binaries},
    }
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _readme(inputs: Inputs, plugin: str) -> str:
    provider = json.loads(inputs.document)["provider"]
    tools = inputs.toolchain.describe()
    lines = [
        f"# {plugin.removesuffix('.so')}",
        "",
        f"`{plugin}` is the agent, `{HOST}` runs it. They need {tools['goos']}/{tools['goarch']} with glibc,",
        "and neither Go nor Python. `manifest.json` says how they were made and what any host must share.",
        "",
        "Check the files, then talk to the agent, ask it once, or serve it:",
        "",
        "```sh",
        f"sha256sum -c {SUMS} && chmod +x {HOST}",
        f"./{HOST} {plugin}",
        f'./{HOST} --message "What can you do?" {plugin}',
        f"./{HOST} --serve 127.0.0.1:8080 {plugin}",
        "```",
        "",
    ]
    if provider["key_env"]:
        lines += [f"The key is not in the files. Set it before: `export {provider['key_env']}=…`", ""]
    if provider.get("base_url_env"):
        lines += [f"`{provider['base_url_env']}` names another address of the provider's service.", ""]
    return "\n".join(lines)


def _licenses() -> str:
    parts = (
        "The plugin and the host contain parts of the Go runtime and standard library, under this licence:"
    )
    return f"{parts}\n\n{_GO_LICENSE.read_text()}"

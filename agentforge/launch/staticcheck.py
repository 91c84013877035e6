"""Install the pinned staticcheck from the Go module proxy, once for each version of it and of Go."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

VERSION = "v0.8.2"
PACKAGE = "honnef.co/go/tools/cmd/staticcheck"
# How a network reaches the proxy; nothing else is inherited.
_NETWORK = ("GOPROXY", "GOSUMDB", "GONOSUMDB", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE")


class InstallError(Exception):
    """Raised when staticcheck could not be installed; the message says what to do."""


def install(go: str, directory: Path, scratch: Path, environment: Mapping[str, str]) -> Path:
    """Return the program in `directory`; compile it there if it is missing, which takes about 40 s.

    `go` is the compiler, `environment` its offline environment. Downloaded sources stay in `scratch`, so the
    agent's go.mod and go.sum are never touched.

    Raises InstallError.
    """
    goroot = Path(go).parent.parent
    release = (goroot / "VERSION").read_text().split()[0]
    program = directory / f"staticcheck-{VERSION}-{release}"
    if program.exists():
        return program
    print(f"Installing staticcheck {VERSION} from the Go module proxy; this happens once.", flush=True)
    scratch.mkdir(parents=True, exist_ok=True)
    online = {
        name: os.environ[name] for word in _NETWORK for name in (word, word.lower()) if name in os.environ
    }
    proxy = online.setdefault("GOPROXY", "https://proxy.golang.org")
    done = subprocess.run(
        [go, "install", f"{PACKAGE}@{VERSION}"],
        cwd=scratch,
        env={
            **{name: value for name, value in environment.items() if name != "GOPROXY"},
            **online,
            "GOBIN": str(scratch),
            "GOMODCACHE": str(scratch / "modules"),
            "GOFLAGS": "-modcacherw",
            "CGO_ENABLED": "0",
        },
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InstallError(
            f"staticcheck {VERSION} could not be installed from the Go module proxy {proxy}. "
            f"Check the network, or set GOPROXY to a mirror.\n{done.stderr.strip()}"
        )
    directory.mkdir(parents=True, exist_ok=True)
    # Copied first: the scratch directory may lie on another disk, and two runs may install at once.
    part = program.with_suffix(f".{os.getpid()}")
    part.write_bytes((scratch / "staticcheck").read_bytes())
    part.chmod(0o755)
    part.replace(program)
    return program

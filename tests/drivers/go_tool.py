"""Go as tests run it themselves: offline, and with caches that they share.

The caches are apart from the forge's own, into which only sandboxed compilers write.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from agentforge.launch.lint import GO_OFFLINE


def go_environment(home: Path, cache: Path, *, cgo: bool) -> dict[str, str]:
    """Return the environment of a `go` that asks no network and keeps nothing of this user's."""
    return {
        **GO_OFFLINE,
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "GOPATH": str(home / "go"),
        "GOCACHE": str(cache),
        "CGO_ENABLED": str(int(cgo)),
    }


def shared_cache(name: str) -> Path:
    """Return a cache of this user, with what the run's forges have compiled so far; entries never change."""
    cache = Path(tempfile.gettempdir()) / f"agentforge-test-go-{name}-{os.getuid()}"
    for entry in Path(os.environ["AGENTFORGE_GO_DIR"], "cache").glob("??/*-[ad]"):
        # It is there already, was removed meanwhile, or lies on another disk: then Go compiles it.
        with suppress(OSError):
            (cache / entry.parent.name).mkdir(parents=True, exist_ok=True)
            os.link(entry, cache / entry.parent.name / entry.name)
    cache.mkdir(exist_ok=True)
    return cache

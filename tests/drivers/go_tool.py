"""Caches of Go that tests share, apart from the forge's own, into which only sandboxed compilers write."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


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

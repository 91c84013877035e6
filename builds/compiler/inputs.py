"""Name everything that a target of a build is a function of, and what comes out of it."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from builds.models import PLUGIN

from . import sources, targets
from .targets import PLUGIN_KIND, Target
from .toolchain import Toolchain

# The form of what is handed out: which papers, and what is in them. Another form is another content.
PACKAGE = "package 2"
LAY_OUT, STORE = "Lay out the sources", "Store the files"


@dataclass(frozen=True)
class Inputs:
    """Hold everything that a target of a build is a function of (law 5)."""

    document: str
    target: str
    sources: sources.Sources
    toolchain: Toolchain

    @property
    def spec(self) -> Target:
        return targets.get(self.target)

    @functools.cached_property
    def revision_sha256(self) -> str:
        return hashlib.sha256(self.document.encode()).hexdigest()

    @functools.cached_property
    def sources_sha256(self) -> str:
        """Return the sha256 over the sources that this target is made of, in hex."""
        return self.sources.digest_of(self.spec.program)

    @functools.cached_property
    def module(self) -> str:
        """Return the module path that it is compiled under."""
        return sources.module_path(self.document, self.sources, self.spec.program)

    @functools.cached_property
    def digest(self) -> str:
        """Return the sha256 over form, revision, target, sources and toolchain, in hex."""
        parts = (PACKAGE, self.revision_sha256, self.target, self.sources_sha256, self.toolchain.digest)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """Return what the agent says of itself, without asking it."""
        asked = json.loads(self.document)
        identity, provider = asked["identity"], asked["provider"]
        return {
            "schema": asked["schema"],
            **{name: identity[name] for name in ("name", "handle", "type", "version", "description")},
            "provider": {name: provider[name] for name in ("code", "api", "model", "key_env")},
            "tools": asked["capabilities"]["tools"],
            "limits": asked["limits"],
            "config_sha256": self.revision_sha256,
            "go": self.toolchain.go,
            "module": self.module,
        }


@dataclass(frozen=True)
class Compiled:
    """Name what was compiled, still in the throwaway directory; `host` is there for plugins."""

    program: Path
    host: Path | None = None


def step_names(target: Target) -> tuple[str, ...]:
    """Return the names of a target's steps, in their order."""
    if target.kind == PLUGIN_KIND:
        check = "Load the plugin in the host" if target.is_native else "Check the plugin"
        return (LAY_OUT, "Compile the plugin", "Compile the host", check, STORE)
    return (LAY_OUT, f"Compile the {target.kind}", f"Check the {target.kind}", STORE)


def gather(document: str, target: str = PLUGIN) -> Inputs:
    """Return the inputs of a target as they are on this machine now.

    Raises ToolchainMissing for a target that can't be built here, BuildError for one that is unknown.
    """
    return Inputs(document, target, sources.read(), targets.toolchain_for(targets.get(target)))

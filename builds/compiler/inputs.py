"""The inputs of a target, which determine its bytes, and the compiled output."""

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

# The version of how a package is made: how the sources are laid out, which files accompany the programs and
# what they contain.
PACKAGE = "package 5"
# What a manifest says of a provider.
_NAMED = ("code", "api", "model", "key_env")
LAY_OUT, STORE = "Lay out the sources", "Store the files"


@dataclass(frozen=True)
class Inputs:
    """Everything that determines the bytes of a target (law 5)."""

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
        """Return the sha256 (hex) of the sources of this target."""
        return self.sources.digest_of(self.spec.program)

    @functools.cached_property
    def module(self) -> str:
        return sources.module_path(self.document, self.sources, self.spec.program)

    @functools.cached_property
    def digest(self) -> str:
        """Return the sha256 (hex) of package format, revision, target, sources and toolchain."""
        parts = (PACKAGE, self.revision_sha256, self.target, self.sources_sha256, self.toolchain.digest)
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()

    @functools.cached_property
    def manifest(self) -> dict[str, Any]:
        """Return the manifest that the compiled agent will print."""
        document = json.loads(self.document)
        identity, provider = document["identity"], document["provider"]
        files, skills = document.get("knowledge", {}).get("files", []), document.get("skills", [])
        return {
            "schema": document["schema"],
            **{name: identity[name] for name in ("name", "handle", "type", "version", "description")},
            "provider": {name: provider[name] for name in _NAMED},
            "tools": document["capabilities"]["tools"],
            "limits": document["limits"],
            **self._fallback(document),
            **({"knowledge": [file["name"] for file in files]} if files else {}),
            **({"skills": [skill["name"] for skill in skills]} if skills else {}),
            "config_sha256": self.revision_sha256,
            "go": self.toolchain.go,
            "module": self.module,
        }

    @staticmethod
    def _fallback(document: dict[str, Any]) -> dict[str, Any]:
        if "fallback" not in document:
            return {}
        return {"fallback": {name: document["fallback"][name] for name in _NAMED}}


@dataclass(frozen=True)
class Compiled:
    """The compiled programs in the temporary workspace; only plugins have a `host`."""

    program: Path
    host: Path | None = None


def step_names(target: Target) -> tuple[str, ...]:
    """Return the names of a target's steps, in order."""
    if target.kind == PLUGIN_KIND:
        check = "Load the plugin in the host" if target.is_native else "Check the plugin"
        return (LAY_OUT, "Compile the plugin", "Compile the host", check, STORE)
    return (LAY_OUT, f"Compile the {target.kind}", f"Check the {target.kind}", STORE)


def gather(document: str, target: str = PLUGIN) -> Inputs:
    """Read the sources and find the toolchain of a target on this machine.

    Raises ToolchainMissing if the target can't be built here, BuildError if it is unknown.
    """
    return Inputs(document, target, sources.read(), targets.toolchain_for(targets.get(target)))

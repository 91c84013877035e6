"""The directory of an agent's tools in a chat: inside the sandbox, packed when the agent ends.

The archive is made and unpacked inside the sandbox by `tar`. The forge stores it and never looks into it, so
an agent can only deceive itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from builds.compiler import sandbox
from configs.tools.catalogue import CATALOGUE

# Both variables: agents from before the second one know the first alone.
_DATA, _ROOT = "AGENT_DATA_DIR", "AGENT_DATA_ROOT"
_KEEPING = frozenset(
    tool for tool, entry in CATALOGUE.items() if any(each.name == "directory" for each in entry.settings)
)
# Unpack what was kept, run the agent, pack what is there. What is too large to pack is not kept. The
# directory itself is not packed: it may be another user's, and its time and mode would be set.
_SCRIPT = """
root=$1 before=$2 after=$3; shift 3
umask 077
[ ! -s "$before" ] || tar -xf "$before" -C "$root"
mkdir -p "$AGENT_DATA_DIR"
"$@"
status=$?
cd "$root" && find . -mindepth 1 -maxdepth 1 -print0 | tar -cf "$after" --null -T - || : > "$after"
exit "$status"
"""


def keeps_files(document: str) -> bool:
    """Return whether an agent has a tool that keeps something in a directory."""
    return not _KEEPING.isdisjoint(json.loads(document)["capabilities"].get("tools", ()))


@dataclass(frozen=True)
class AgentDirectory:
    """A directory for one run of an agent in the workspace `work`, filled with what an earlier run kept."""

    work: Path

    @classmethod
    def prepare(cls, work: Path, kept: bytes) -> AgentDirectory:
        """Make the files that the run needs; `kept` is empty or what `read` returned."""
        directory = cls(work)
        directory.root.mkdir()
        directory._before.write_bytes(kept)
        directory._after.touch()
        return directory

    @property
    def root(self) -> Path:
        return self.work / "files"

    @property
    def _before(self) -> Path:
        return self.work / "files-before.tar"

    @property
    def _after(self) -> Path:
        return self.work / "files-after.tar"

    @property
    def environment(self) -> dict[str, str]:
        return {_ROOT: str(self.root), _DATA: str(self.root / "data")}

    def access(self, access: sandbox.FileAccess) -> sandbox.FileAccess:
        """Return what the agent may use, with the directory."""
        return sandbox.FileAccess(
            access.directory,
            writes=[*access.writes, self._after],
            reads=[*access.reads, self._before],
            scratch=self.root,
        )

    def command(self, command: Sequence[str]) -> list[str]:
        """Return the command that runs the agent with its directory."""
        places = map(str, (self.root, self._before, self._after))
        return ["/bin/sh", "-c", _SCRIPT, "agent", *places, *command]

    def read(self) -> bytes:
        """Return what the agent kept; nothing if it was killed or kept too much."""
        return self._after.read_bytes()

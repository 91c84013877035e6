"""The sites of "Your own server" in a backup: their files, and which version is live."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from agentforge.backup import parts
from agentforge.backup.parts import Item
from deployments.hosts.selfhost import site_directory

# The one kind of file that changes; the others are written once.
_METADATA = ".json"


class Sites:
    """The directory AGENTFORGE_SITES_DIR, which may not be there before the first site."""

    name = "sites"

    def __init__(self) -> None:
        self._items: list[Item] = []

    def prepare(self) -> None:
        """Nothing: a deploy is written once, and is complete when the database says so."""

    def facts(self, cursor: Any) -> dict[str, Any]:
        """List everything as it is now, and return the symbolic and hard links and what is executable."""
        root, first = site_directory.root(), dict[tuple[int, int], str]()
        facts: dict[str, Any] = {"links": {}, "same": {}, "executable": []}
        self._items = []
        for path in _everything(root):
            name = str(path.relative_to(root))
            if path.is_symlink():
                facts["links"][name] = os.readlink(path)
                continue
            with suppress(FileNotFoundError):  # removed a moment ago
                status = path.stat()
                original = first.setdefault((status.st_dev, status.st_ino), name)
                if original != name:
                    facts["same"][name] = original
                    continue
                if status.st_mode & 0o100:
                    facts["executable"].append(name)
                is_metadata = path.suffix == _METADATA and "tree" not in path.parts
                self._items.append(Item(name, path, content=path.read_bytes() if is_metadata else None))
        return facts

    def items(self, cursor: Any) -> Iterator[Item]:
        yield from self._items

    def obstacle(self, facts: Mapping[str, Any], *, replace: bool) -> str:
        root = site_directory.root()
        if replace or not _is_used(root):
            return ""
        return f"{root} is not empty. With --replace it is kept under another name."

    def restore(self, folder: Path, paths: list[str], facts: Mapping[str, Any]) -> Iterator[int]:
        root = site_directory.root()
        if _is_used(root):
            root.rename(root.with_name(f"{root.name}.before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S}"))
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        executable = set(facts["executable"])
        for path in paths:
            target = _made_room(root / path)
            shutil.copyfile(folder / path, target)
            target.chmod(0o755 if path in executable else 0o644)
            yield target.stat().st_size
        for name, original in facts["same"].items():
            with suppress(FileNotFoundError):  # it was removed while the backup was made
                os.link(root / original, _made_room(root / name))
        for name, target_name in facts["links"].items():
            _made_room(root / name).symlink_to(target_name)


def _everything(root: Path) -> Iterator[Path]:
    """Yield the files and symbolic links of all sites, without what is half written."""
    for directory, directories, files in os.walk(root):
        here = Path(directory)
        directories.sort()
        links = [name for name in directories if (here / name).is_symlink()]
        yield from (here / name for name in sorted([*files, *links]) if not name.startswith(".new-"))


def _is_used(root: Path) -> bool:
    return root.is_dir() and any(root.iterdir())


def _made_room(path: Path) -> Path:
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    return path


parts.register(Sites())

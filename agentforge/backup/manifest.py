"""What a backup holds, as its last file says: without it, a backup is not complete."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath
from typing import Any

from .errors import BackupError

NAME = "manifest.json"
DUMP = "database.dump"
SECRETS = "secrets.age"
FORMAT = 1


@dataclass
class Manifest:
    """When and of what it was made; `files`: path → [bytes, sha256]; `parts`: what each says of itself."""

    made_at: str
    host: str
    database: dict[str, Any]
    rows: dict[str, int]
    migrations: list[str]
    fingerprints: dict[str, str]
    parts: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: dict[str, list[Any]] = field(default_factory=dict)
    format: int = FORMAT

    def text(self) -> str:
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"

    @property
    def size(self) -> int:
        return sum(size for size, _ in self.files.values())

    @property
    def has_secrets(self) -> bool:
        return SECRETS in self.files

    def files_of(self, part: str) -> list[str]:
        """Return the paths of a part's files, relative to its folder."""
        return [path.partition("/")[2] for path in self.files if path.startswith(f"{part}/")]


def read(text: str) -> Manifest:
    """Read a manifest. Raises BackupError for one that is damaged, or of a later format."""
    try:
        values = json.loads(text)
        if values["format"] > FORMAT:
            raise BackupError("A newer version of AgentForge made this backup. Restore it with that.")
        manifest = Manifest(**values)
        paths = [
            *manifest.files,
            *(link for part in manifest.parts.values() for link in part.get("links", {})),
        ]
        sound = all(is_inside(path) for path in paths) and DUMP in manifest.files
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BackupError(f"{NAME} is damaged. Nothing was restored.") from error
    if not sound:
        raise BackupError(f"{NAME} is damaged. Nothing was restored.")
    return manifest


def is_inside(path: str) -> bool:
    """Return whether a relative path stays below where it starts."""
    parts = PurePosixPath(path).parts
    return bool(parts) and parts[0] != "/" and ".." not in parts and "\0" not in path

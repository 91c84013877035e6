"""Static files under an address that names their version, so that browsers keep them for a year.

Modules import each other by relative paths, so the version is a folder of the URL, not a part of each name.
"""

from __future__ import annotations

import hashlib
from importlib.metadata import version as installed
from pathlib import Path

# The file in the folder of collected files that holds their version.
_MARKER = "version"
# What makes the served files of the sources.
_MAKERS = ("static_bundles.py", "static_storage.py")
# What else serves static files: its files change with its version only.
_PACKAGES = ("django", "django-htmx", "django-eventstream")


def version(directory: Path) -> str:
    """Return 12 hex digits that change with any of the static files, and with how they are made."""
    digest = hashlib.sha256(" ".join(installed(name) for name in _PACKAGES).encode())
    for name in _MAKERS:
        digest.update(Path(__file__).with_name(name).read_bytes())
    for path in sorted(path for path in directory.rglob("*") if path.is_file()):
        digest.update(f"\0{path.relative_to(directory)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def is_collected(root: Path, current: str) -> bool:
    """Return whether `collectstatic` has put the files of this version into a folder."""
    try:
        return (root / _MARKER).read_text() == current
    except FileNotFoundError:
        return False


def mark_collected(root: Path, current: str) -> None:
    """Record that all files of this version are in a folder."""
    (root / _MARKER).write_text(current)

"""Make a backup while the forge runs.

The database is one snapshot. Files are saved after it: they are stored under their hash, never changed, and
kept from being removed meanwhile. A restored forge finds what it would find after a power cut at that moment
of the snapshot, and continues from there.
"""

from __future__ import annotations

import json
import socket
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from django.conf import settings

from agentforge import shared_secrets
from agentforge.machines import sharing

from . import age, parts, snapshot
from .archive import Writer
from .errors import BackupError
from .manifest import DUMP, NAME, SECRETS, Manifest
from .progress import Progress, size_of
from .snapshot import Snapshot


def create(writer: Writer, lock: age.Lock | None, progress: Progress) -> Manifest:
    """Save everything and return what was saved, with files that were gone by part; raises BackupError."""
    values = effective_secrets()
    for part in parts.registered():
        part.prepare()
    with (
        snapshot.taken(settings.DATABASE_URL, settings.DATABASES["default"]["SCHEMA"]) as taken,
        tempfile.TemporaryDirectory(prefix="backup-", dir=work_directory()) as work,
    ):
        manifest = _described(taken, values)
        # First, while the links of the sites are what the snapshot says.
        for part in parts.registered():
            manifest.parts[part.name] = part.facts(taken.cursor)
        _save_database(taken, Path(work) / DUMP, writer, manifest, progress)
        if lock is not None:
            text = json.dumps(values, indent=1).encode()
            manifest.files[SECRETS] = list(writer.add_bytes(SECRETS, lock.encrypt(text)))
        for part in parts.registered():
            _save_files(part, taken, writer, manifest, progress)
    writer.add_bytes(NAME, manifest.text().encode())
    return manifest


def effective_secrets() -> dict[str, str]:
    """Return the shared secrets by their variables, wherever they come from."""
    return {secret.variable: sharing.value_of(secret) for secret in shared_secrets.TABLE}


def work_directory() -> Path:
    path = Path(settings.VAR_DIR) / "work"
    path.mkdir(mode=0o700, exist_ok=True)
    return path


def _described(taken: Snapshot, values: dict[str, str]) -> Manifest:
    return Manifest(
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        host=socket.gethostname(),
        database={"schema": taken.schema, "role": taken.role, "server_version": taken.server_version},
        rows=taken.rows(),
        migrations=taken.migrations(),
        fingerprints={
            secret.variable: shared_secrets.fingerprint(secret, values[secret.variable])
            for secret in shared_secrets.TABLE
        },
    )


def _save_database(
    taken: Snapshot, dump: Path, writer: Writer, manifest: Manifest, progress: Progress
) -> None:
    snapshot.dump(taken, settings.DATABASE_URL, dump)
    snapshot.verify(dump, manifest.rows)
    size, sha256 = writer.add(DUMP, dump)
    manifest.files[DUMP] = [size, sha256]
    rows = sum(manifest.rows.values())
    progress.line(f"database: {rows} rows of {len(manifest.rows)} tables, {size_of(size)}")


def _save_files(
    part: parts.Part, taken: Snapshot, writer: Writer, manifest: Manifest, progress: Progress
) -> None:
    missing, count, total = [], 0, 0
    for item in part.items(taken.cursor):
        path = f"{part.name}/{item.path}"
        try:
            if item.content is None:
                size, sha256 = writer.add(path, item.source)
            else:
                size, sha256 = writer.add_bytes(path, item.content)
        except FileNotFoundError:
            missing.append(item.path)
            continue
        if item.sha256 and item.sha256 != sha256:
            raise BackupError(f"{item.source} changed while it was saved. The backup is not complete.")
        manifest.files[path] = [size, sha256]
        count, total = count + 1, total + size
        progress.count(part.name, count, total)
    if missing:
        manifest.parts[part.name]["missing"] = missing
    place = manifest.parts[part.name].get("place", "")
    progress.line(f"{part.name}: {place or f'{count} files, {size_of(total)}'}")

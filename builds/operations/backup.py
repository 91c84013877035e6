"""The files of builds in a backup: all that the snapshot's builds have, or where the shared storage is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from django.conf import settings

from agentforge.backup import parts
from agentforge.backup.parts import Item
from builds.artifacts import leases, local_store, storage
from builds.models import Artifact

_HASHES = "SELECT DISTINCT sha256 FROM builds_artifact ORDER BY 1"
_PIECE = 1024 * 1024


class Artifacts:
    """Content-addressed, so a file that is there already is the same."""

    name = "artifacts"

    def prepare(self) -> None:
        """Lease every file, so that pruning leaves it alone for the next two hours."""
        if storage.shared_storage() is None:
            leases.acquire(Artifact.objects.values_list("sha256", flat=True).distinct())

    def facts(self, cursor: Any) -> dict[str, Any]:
        if storage.shared_storage() is None:
            return {"storage": settings.ARTIFACT_STORAGE}
        place = f"in the shared storage ({settings.ARTIFACT_STORAGE}, bucket {settings.ARTIFACT_BUCKET})"
        return {"storage": settings.ARTIFACT_STORAGE, "bucket": settings.ARTIFACT_BUCKET, "place": place}

    def items(self, cursor: Any) -> Iterator[Item]:
        if storage.shared_storage() is not None:
            return
        for (sha256,) in cursor.execute(_HASHES).fetchall():
            # A damaged file counts as missing.
            path = local_store.path_of(sha256)
            source = path if local_store.holds(sha256) else path.with_name("damaged")
            yield Item(local_store.name_of(sha256), source, sha256)

    def obstacle(self, facts: Mapping[str, Any], *, replace: bool) -> str:
        if facts["storage"] == settings.ARTIFACT_STORAGE and facts.get("bucket") in (
            None,
            settings.ARTIFACT_BUCKET,
        ):
            return ""
        if facts["storage"] != "files":
            return (
                f"The files of its builds are in a shared storage. Set ARTIFACT_STORAGE={facts['storage']}, "
                f"ARTIFACT_BUCKET={facts['bucket']} and what leads there."
            )
        return (
            "It holds the files of its builds: unset ARTIFACT_STORAGE to restore them, and move them later."
        )

    def restore(self, folder: Path, paths: list[str], facts: Mapping[str, Any]) -> Iterator[int]:
        for path in paths:
            source = folder / path
            if not local_store.holds(source.name):
                with source.open("rb") as file:
                    local_store.write(iter(lambda: file.read(_PIECE), b""), source.name)
            yield source.stat().st_size


parts.register(Artifacts())

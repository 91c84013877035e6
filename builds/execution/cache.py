"""Files of earlier builds with the same inputs, found by digest (law 5: same input, same bytes)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

from builds.artifacts import leases, storage
from builds.models import Artifact, BuildStatus, BuildTarget

from .outcome import StoredArtifact

_HASHING_THREADS = 4


def find(input_digest: str) -> list[StoredArtifact]:
    """Return the files of the newest build of these inputs; empty if any is missing or damaged."""
    succeeded = BuildTarget.objects.filter(
        input_digest=input_digest, status=BuildStatus.SUCCEEDED, build__expired_at=None
    )
    newest: BuildTarget | None = succeeded.order_by("-pk").first()
    if newest is None:
        return []
    rows = Artifact.objects.filter(build_id=newest.build_id, target=newest.target)
    artifacts = [StoredArtifact(*row) for row in rows.values_list("name", "sha256", "size")]
    # Lease before checking: files that exist then stay until this build's rows refer to them.
    leases.acquire(each.sha256 for each in artifacts)
    with ThreadPoolExecutor(_HASHING_THREADS) as hashing:
        return artifacts if all(hashing.map(storage.still_holds, [each.sha256 for each in artifacts])) else []


def running_build(input_digest: str, owner_id: UUID) -> int | None:
    """Return the id of the owner's running build of these inputs; None for another owner's build."""
    running = BuildTarget.objects.filter(
        input_digest=input_digest, status=BuildStatus.RUNNING, owner_id=owner_id
    )
    build_id: int | None = running.values_list("build_id", flat=True).first()
    return build_id

"""Find the files of an earlier build of the same inputs (law 5: same input, same bytes, one entry)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from . import storage
from .models import Artifact, Build, BuildStatus
from .transitions import Stored

_HASHING_THREADS = 4


def find(input_digest: str) -> list[Stored]:
    """Return the files of the newest build of these inputs, if all of them are there and whole."""
    same = Build.objects.filter(input_digest=input_digest, status=BuildStatus.SUCCEEDED)
    newest = same.order_by("-pk").values("pk")[:1]
    rows = Artifact.objects.filter(build__in=newest).values_list("name", "sha256", "size")
    found = [Stored(*row) for row in rows]
    with ThreadPoolExecutor(_HASHING_THREADS) as hashing:
        return found if all(hashing.map(storage.holds, [stored.sha256 for stored in found])) else []

from __future__ import annotations

from builds.errors import BuildError


class StorageProblem(BuildError):
    """Say that the artifact storage refused or did not answer, what was kept, and what to do next."""

    def __init__(self, message: str, *, lasting: bool = False) -> None:
        super().__init__(message)
        # A refusal that asking again will not change: a wrong key, a missing bucket.
        self.lasting = lasting


class FileMissing(StorageProblem):
    """Say that bytes are kept nowhere."""

    def __init__(self, message: str) -> None:
        super().__init__(message, lasting=True)

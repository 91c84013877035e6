from __future__ import annotations

from builds.errors import BuildError


class StorageProblem(BuildError):
    """The artifact storage refused a request or did not answer.

    `permanent` marks a refusal that a retry will not change, such as a wrong key or a missing bucket.
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


class FileMissing(StorageProblem):
    """The storage does not hold these bytes."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class BucketMissing(StorageProblem):
    """The storage has no such bucket, or the key may not see it."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)

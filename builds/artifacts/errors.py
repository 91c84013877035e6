from __future__ import annotations

import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

from builds.errors import BuildError

# A storage that asks for more gets another try by then; a build does not wait for minutes.
LONGEST_ASKED = 60.0


class StorageProblem(BuildError):
    """The artifact storage refused a request or did not answer.

    `permanent` marks a refusal that a retry will not change, such as a wrong key or a missing bucket;
    `retry_after` is the delay in seconds that the storage asked for.
    """

    def __init__(self, message: str, *, permanent: bool = False, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


class FileMissing(StorageProblem):
    """The storage does not hold these bytes."""

    def __init__(self, message: str) -> None:
        super().__init__(message, permanent=True)


class BucketMissing(StorageProblem):
    """The storage has no such bucket, or the key may not see it."""


class BucketExists(StorageProblem):
    """Another process created the bucket first."""


def retry_after(headers: Mapping[str, str]) -> float:
    """Return the delay that a response asks for, at most LONGEST_ASKED seconds; 0 without one.

    RFC 9110, 10.2.3: seconds, or a date.
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:6]), LONGEST_ASKED)
    try:
        seconds = parsedate_to_datetime(value).timestamp() - time.time()
    except ValueError:
        return 0.0
    return min(max(seconds, 0.0), LONGEST_ASKED)

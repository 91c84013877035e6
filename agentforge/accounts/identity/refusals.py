"""Sort the service's refusals to refresh a session: which of them end it, and which only delay it."""

from __future__ import annotations

from enum import Enum, auto


class Outcome(Enum):
    ENDED = auto()  # The session is over: its tokens are deleted.
    BUSY = auto()  # Refused for now: the tokens are kept.
    FOREIGN = auto()  # Not a response of Auth itself, but of a gateway: the tokens are kept.


# Temporary by their code, whatever the status.
_BUSY_CODES = frozenset(
    (
        "conflict",
        "hook_timeout",
        "hook_timeout_after_retry",
        "over_request_rate_limit",
        "request_timeout",
        "unexpected_failure",
    )
)
# An unknown code ends the session with one of these only: Auth refuses sessions with no other status.
_ENDING_STATUSES = frozenset((400, 401, 403, 422))


def outcome_of_refresh(status: int, code: str | None) -> Outcome:
    """Return what a refused refresh means; the code is absent if a gateway refused it."""
    if code is None:
        return Outcome.FOREIGN
    if code in _BUSY_CODES or status not in _ENDING_STATUSES:
        return Outcome.BUSY
    return Outcome.ENDED

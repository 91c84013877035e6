from __future__ import annotations


class BuildError(Exception):
    """End a build with a message for its owner; `exit_code` is the failed process's, if one ran."""

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Exhausted(BuildError):
    """Say that a machine had no more disk or memory: the agent is not to blame."""


class ToolchainMissing(BuildError):
    """Say that this machine can't compile, and what would mend it."""


class NotPossible(Exception):
    """Refuse a user's action that the present state does not allow; the message is shown."""

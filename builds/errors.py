from __future__ import annotations


class BuildError(Exception):
    """A build failed; the message is for its owner, `exit_code` is that of the failed process, if one ran."""

    def __init__(self, message: str, *, exit_code: int | None = None) -> None:
        super().__init__(message)
        self.exit_code = exit_code


class Exhausted(BuildError):
    """A machine ran out of disk space or memory; the agent is not at fault."""


class ToolchainMissing(BuildError):
    """No toolchain is available; the message says how to install one."""


class NotPossible(Exception):
    """The current state does not allow a user's action; the message is shown to the user."""

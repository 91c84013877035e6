from __future__ import annotations


class DeployError(Exception):
    """Fails a deployment with a message for its owner; `reason` is a code for scripts."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NotPossible(Exception):
    """An action that the current state does not allow; the message is shown."""

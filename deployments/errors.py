from __future__ import annotations


class DeployError(Exception):
    """End a deployment with a message for its owner; `reason` is a word for scripts."""

    def __init__(self, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.reason = reason


class NotPossible(Exception):
    """Refuse an action that the present state does not allow; the message is shown."""

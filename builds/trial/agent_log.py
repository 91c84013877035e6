"""The operators' log of what an agent's process prints to standard error, such as a panic's stack."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from agentforge.redaction import Redactor

logger = logging.getLogger(__name__)
# Of one answer; the log belongs to everybody.
MOST_LINES = 200
_LONGEST = 1000


class AgentLog:
    """Logs lines without their owner's secrets, with the fields of the job that runs the agent."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._redact = Redactor(secrets).lines()
        self._left = MOST_LINES

    def __call__(self, line: str) -> None:
        if self._left:
            self._left -= 1
            logger.warning("Agent: %s", self._redact(line)[:_LONGEST])

"""Tie the processes of a test run to it: none of them outlives it, however it ends."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TypedDict

from agentforge import lifeline

# The system closes the end that only this process holds.
_END_OF_CHILDREN, _OURS = os.pipe()


class Tied(TypedDict):
    """Arguments of Popen."""

    env: dict[str, str]
    pass_fds: list[int]


def tied(environment: Mapping[str, str]) -> Tied:
    """Return an environment in which `manage.py` stops when this process is gone, as Popen's arguments."""
    return {
        "env": {**environment, lifeline.VARIABLE: str(_END_OF_CHILDREN)},
        "pass_fds": [_END_OF_CHILDREN],
    }

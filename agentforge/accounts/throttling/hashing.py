"""Hash passwords by turns: each hash keeps a processor busy for some tenths of a second."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from agentforge.audit import request_actor
from agentforge.tenancy.request_transaction import outside_transaction
from agentforge.tenancy.slots import Slots

from .throttle import address_subject

# One processor is left to pages.
AT_ONCE = max(1, (os.cpu_count() or 1) - 1)
WAIT_SECONDS = 20.0
_turns = Slots(AT_ONCE)


@contextmanager
def hash_turn() -> Iterator[None]:
    """Wait for a turn to hash, and hash in the block; network addresses take turns.

    No database connection is held meanwhile: see `outside_transaction`. Raises Busy.
    """
    address = address_subject("address", request_actor.current_actor().address) or "no address"
    with outside_transaction(), _turns.slot({address: AT_ONCE}, seconds=WAIT_SECONDS):
        yield

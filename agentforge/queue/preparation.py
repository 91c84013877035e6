"""What a worker does before it takes jobs of certain queues, such as warming a cache for builds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence

Prepare = Callable[[], Awaitable[None]]
IsReady = Callable[[], Awaitable[bool]]

_steps: list[tuple[frozenset[str], IsReady, Prepare]] = []


def register(queues: Collection[str], *, is_ready: IsReady, prepare: Prepare) -> None:
    """Let workers take these queues only after `prepare`; `is_ready` is cheap and tells if that is needed.

    A worker whose preparation fails takes them all the same: their jobs then show why.
    """
    _steps.append((frozenset(queues), is_ready, prepare))


async def needed(queues: Sequence[str] | None) -> list[tuple[frozenset[str], Prepare]]:
    """Return what has to be done for a worker of these queues (None: of all)."""
    wanted = [step for step in _steps if queues is None or step[0] & set(queues)]
    return [(names, prepare) for names, is_ready, prepare in wanted if not await is_ready()]

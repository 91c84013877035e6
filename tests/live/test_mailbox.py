from __future__ import annotations

import asyncio

import pytest

from agentforge.live.mailbox import Mailbox


async def test_messages_come_in_order_whether_or_not_they_are_awaited() -> None:
    messages = Mailbox()
    messages.put_nowait({"n": 1})
    messages.put_nowait({"n": 2})
    assert [await messages.get(), await messages.get()] == [{"n": 1}, {"n": 2}]

    waiting = asyncio.ensure_future(messages.get())
    await asyncio.sleep(0)
    messages.put_nowait({"n": 3})
    messages.put_nowait({"n": 4})
    assert [await waiting, await messages.get()] == [{"n": 3}, {"n": 4}]


@pytest.mark.parametrize("arrived", [False, True])
async def test_a_reader_that_is_cancelled_takes_no_message_along(arrived: bool) -> None:
    messages = Mailbox()
    waiting = asyncio.ensure_future(messages.get())
    await asyncio.sleep(0)
    if arrived:
        messages.put_nowait({"n": 1})
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    if not arrived:
        messages.put_nowait({"n": 1})
    assert await messages.get() == {"n": 1}


async def test_a_second_reader_is_refused() -> None:
    messages = Mailbox()
    first = asyncio.ensure_future(messages.get())
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="Two tasks"):
        await messages.get()
    messages.put_nowait({"n": 1})
    assert await first == {"n": 1}

"""django-eventstream's own functions and view work on the same log."""

from __future__ import annotations

from contextlib import aclosing

import pytest
from asgiref.sync import sync_to_async
from django.db import connections, transaction
from django_eventstream import get_current_event_id, send_event
from django_eventstream.eventrequest import EventRequest
from django_eventstream.storage import EventDoesNotExist
from django_eventstream.utils import get_channelmanager, get_storage
from django_eventstream.views import Listener
from django_eventstream.views import stream as their_stream

from agentforge.accounts.models import User
from agentforge.live.hub import current_hub
from agentforge.live.streams import publish, read
from tests.drivers.people import make_user
from tests.drivers.web_process import WebProcess

from .test_streams import line


def test_an_event_sent_is_durable_and_reaches_viewers(
    web: WebProcess, stream: str, signed_in: dict[str, str]
) -> None:
    with web.follow(signed_in, stream) as connection:
        with transaction.atomic():
            send_event(stream, "status", {"status": "running"})
            send_event(stream, "note", "some text")
        events = iter(connection)
        seen = [*next(events).records]
        while len(seen) < 2:
            seen += next(events).records

    assert seen == list(read(stream))
    assert [(record["kind"], record.get("status"), record.get("data")) for _, record in seen] == [
        ("status", "running", None),
        ("note", None, "some text"),
    ]
    assert get_current_event_id([stream]) == f"{stream}:2"


def test_the_storage_reads_chunks(stream: str) -> None:
    publish(stream, line("a"), line("b"))
    publish(stream, line("c"))
    storage = get_storage()

    assert [event.id for event in storage.get_events(stream, 0)] == [2, 3]
    assert [event.id for event in storage.get_events(stream, 0, limit=1)] == [2]
    assert '"seq":2' in storage.get_events(stream, 1)[0].data
    with pytest.raises(EventDoesNotExist):
        storage.get_events(stream, 4)


def test_only_the_owner_may_read_a_channel(stream: str, owner: User) -> None:
    may = get_channelmanager().can_read_channel

    assert may(owner, stream)
    assert not may(make_user("bob"), stream)
    assert not may(None, stream)
    assert not may(owner, "missing")


async def test_their_view_is_woken_by_the_log(stream: str, owner: User) -> None:
    request = EventRequest()
    request.channels, request.channel_last_ids, request.user = {stream}, {stream: 0}, owner
    request.is_next = False
    listener = Listener()
    listener.channels = request.channels
    received = ""
    async with aclosing(their_stream(request, listener)) as bodies:
        await anext(bodies)
        for number in range(3):
            await sync_to_async(publish)(stream, line(str(number)))
            while f"id: {stream}:{number + 1}\n" not in received:
                received += await anext(bodies)
    await current_hub().close()
    await sync_to_async(connections.close_all)()

    assert received.count("event: message") == 3

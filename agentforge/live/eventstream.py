"""Adapt our log to django-eventstream, so that its functions and views work with it too."""

from __future__ import annotations

import json
from typing import Any

from django_eventstream.channelmanager import DefaultChannelManager
from django_eventstream.event import Event
from django_eventstream.storage import EventDoesNotExist, StorageBase
from django_eventstream.views import Listener, ListenerManager

from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service

from . import streams
from .hub import current_hub
from .models import Chunk, Stream
from .tails import Tail, wire_data


class ChunkStorage(StorageBase):
    """Stores django-eventstream's events as chunks: an event's id is its last sequence number."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        """Publish the data of `send_event` as one record of that kind."""
        value = json.loads(data) if isinstance(data, str) else data
        content = value if isinstance(value, dict) else {"data": value}
        last_seq = streams.publish(channel, {**content, "kind": event_type})
        return Event(channel, event_type, data, id=last_seq)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Return the events after an id, as they are sent at /live/.

        Raises EventDoesNotExist for an id ahead of the channel.
        """
        current = streams.position(channel)
        if last_id > current:
            raise EventDoesNotExist(f"No such event {last_id}", current)
        with as_service():
            chunks = Chunk.objects.filter(stream=channel, last_seq__gt=last_id).order_by("last_seq")[:limit]
            return [
                Event(channel, "message", wire_data(channel, chunk.logged(), last_id), id=chunk.last_seq)
                for chunk in chunks
            ]

    def get_current_id(self, channel: str) -> int:
        return streams.position(channel)


class OwnersChannels(DefaultChannelManager):
    """Only the owner of a stream may read it."""

    def can_read_channel(self, user: User | None, channel: str) -> bool:
        with as_service():
            return user is not None and Stream.objects.filter(pk=channel, owner_id=user.pk).exists()


class _ListenerWatcher:
    """A watcher that makes a listener of django-eventstream's own views read the storage again."""

    def __init__(self, listener: Listener) -> None:
        self.names = tuple(listener.channels)
        self._listener = listener

    def wake(self, tail: Tail) -> None:
        self._listener.overflow = True
        self._listener.aevent.set()

    def beat(self) -> None:
        """Do nothing: those views keep their connections alive themselves."""


class LogListenerManager(ListenerManager):
    """Wakes listeners by PostgreSQL notifications, which come from every process, after the commit."""

    def __init__(self) -> None:
        super().__init__()
        self._watchers: dict[Listener, _ListenerWatcher] = {}

    def add_listener(self, listener: Listener) -> None:
        super().add_listener(listener)
        self._watchers[listener] = _ListenerWatcher(listener)
        current_hub().watch(self._watchers[listener])

    def remove_listener(self, listener: Listener) -> None:
        super().remove_listener(listener)
        current_hub().unwatch(self._watchers.pop(listener))

    def add_to_queues(self, channel: str, event: Event) -> None:
        """Do nothing: `send_event` calls this before the event's transaction has ended."""

"""Fit our log into django-eventstream, so that its functions and views work on it too."""

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
from .tails import wire_data


class ChunkStorage(StorageBase):
    """Keep django-eventstream's events as our chunks: the id of an event is its last sequence number."""

    def append_event(self, channel: str, event_type: str, data: Any) -> Event:
        """Publish what `send_event` was given as one record of that kind."""
        given = json.loads(data) if isinstance(data, str) else data
        content = given if isinstance(given, dict) else {"data": given}
        last_seq = streams.publish(channel, {**content, "kind": event_type})
        return Event(channel, event_type, data, id=last_seq)

    def get_events(self, channel: str, last_id: int, limit: int = 100) -> list[Event]:
        """Return the events behind an id, as they are on the wire at /live/.

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
    """Let the owner of a stream read it, and nobody else."""

    def can_read_channel(self, user: User | None, channel: str) -> bool:
        with as_service():
            return user is not None and Stream.objects.filter(pk=channel, owner_id=user.pk).exists()


class _ListenerWatcher:
    """Tell a listener of django-eventstream's own views to read the storage again."""

    def __init__(self, listener: Listener) -> None:
        self.names = tuple(listener.channels)
        self._listener = listener

    def wake(self) -> None:
        self._listener.overflow = True
        self._listener.aevent.set()

    def beat(self) -> None:
        """Leave it alone: those views keep their connections alive themselves."""


class LogListenerManager(ListenerManager):
    """Wake listeners by PostgreSQL's notifications, which come from every process and after the commit."""

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
        """Do nothing: `send_event` calls this before the transaction of its event is over."""

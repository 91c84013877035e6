from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone

from .log import LoggedChunk


class Stream(models.Model):
    """An append-only event log, owned by one user; `last_seq` is its newest sequence number."""

    name = models.CharField(primary_key=True, max_length=80)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    last_seq = models.BigIntegerField(default=0)
    created_at = models.DateTimeField(default=timezone.now)
    closed_at = models.DateTimeField(null=True, blank=True)
    # Shuts out StreamWriters of another epoch: a worker that hung while others took over its job.
    epoch = models.BigIntegerField(null=True, blank=True)
    # Kept, but nobody may follow it.
    hidden_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = (models.Index(fields=["closed_at"], name="live_stream_closed"),)

    def __str__(self) -> str:
        return self.name


class Chunk(models.Model):
    """The records `first_seq` to `last_seq` of a stream, as the inside of a JSON array."""

    stream = models.ForeignKey(Stream, on_delete=models.CASCADE, related_name="chunks")
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    data = models.TextField()
    created_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["stream", "last_seq"], name="live_chunk_stream_last_seq"),
            models.CheckConstraint(
                condition=models.Q(first_seq__gte=1, last_seq__gte=models.F("first_seq")),
                name="live_chunk_seq_order",
            ),
        )

    def __str__(self) -> str:
        return f"{self.stream_id} {self.first_seq}-{self.last_seq}"

    def logged(self) -> LoggedChunk:
        """Return the row's content without its stream."""
        return LoggedChunk(self.first_seq, self.last_seq, self.data)

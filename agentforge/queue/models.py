from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models


class WorkerRegistration(models.Model):
    """What a worker takes; its sign of life is in procrastinate's table, under the same number.

    A worker without a registration runs an earlier version, and counts as one that takes everything.
    """

    worker_id = models.BigIntegerField(primary_key=True)
    name = models.CharField(max_length=80)
    host = models.CharField(max_length=255)
    # NULL: every queue.
    queues = ArrayField(models.CharField(max_length=80), null=True)
    # Queues that it will take once it is ready for them.
    preparing = ArrayField(models.CharField(max_length=80), default=list)

    class Meta:
        db_table = "queue_worker"

    def __str__(self) -> str:
        return f"{self.name} on {self.host}"

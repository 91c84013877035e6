from __future__ import annotations

from typing import ClassVar

from django.db import models


class Measurement(models.Model):
    """How often something was counted with these labels, and the sum of what it took; it only grows.

    `le` is the bucket of a histogram, by its upper bound; a counter has one row, with infinity. Nothing in it
    is about a person.
    """

    metric = models.CharField(max_length=60)
    # A JSON array of the labels' values: text, so that equal ones are equal bytes.
    labels = models.CharField(max_length=300)
    le = models.FloatField()
    count = models.BigIntegerField()
    total = models.FloatField(default=0.0)

    objects: ClassVar[models.Manager[Measurement]] = models.Manager()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=["metric", "labels", "le"], name="telemetry_measurement_once"),
        )

    def __str__(self) -> str:
        return f"{self.metric} {self.labels} {self.le}"

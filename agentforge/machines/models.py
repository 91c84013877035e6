from __future__ import annotations

from django.db import models


class SharedFingerprint(models.Model):
    """The fingerprint of something that all machines of a forge must share; each of several keys is a row."""

    variable = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=32)
    # The machine that recorded it, so that a difference can be looked for.
    host = models.CharField(max_length=255)
    recorded_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=["variable", "fingerprint"], name="machines_sharedfingerprint_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.variable} of {self.host}"

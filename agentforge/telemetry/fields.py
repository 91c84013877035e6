"""The column for the request that asked for a row."""

from __future__ import annotations

from django.db import models

from .context import current_request_id


def request_id_field() -> models.CharField[str, str]:
    """Return a field that keeps the id of the request in which the row is made; empty outside of one.

    The database has a default: code from before this column still makes rows.
    """
    return models.CharField(
        max_length=64, blank=True, default=current_request_id, db_default="", editable=False
    )

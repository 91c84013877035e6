"""Ids of unexpected errors, both in the log and in the message to the user."""

from __future__ import annotations

import logging
import uuid

logger = logging.getLogger(__name__)


def record_incident(subject: str) -> str:
    """Log the exception being handled with its traceback, and return the incident's id.

    `subject` names what failed, such as "Build 12"; it must hold no secret.
    """
    incident = uuid.uuid4().hex[:8]
    logger.exception("%s failed unexpectedly, incident %s", subject, incident)
    return incident

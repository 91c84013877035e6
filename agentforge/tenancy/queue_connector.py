"""The queue's own connections, which work in the forge's schema too."""

from __future__ import annotations

import logging
from functools import partial

from django.core.management.base import CommandError
from procrastinate import App
from procrastinate.connector import BaseAsyncConnector
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector
from psycopg import OperationalError

from .database import IDLE_SECONDS
from .notifications import NotificationLost, verify_connection
from .search_path import use_schema_async

logger = logging.getLogger(__name__)


class QueueConnector(DjangoConnector):
    """Django's connection for requests, a small pool for workers."""

    def get_worker_connector(self) -> BaseAsyncConnector:
        """Return a worker's connections; raises CommandError where no notification would arrive."""
        try:
            verify_connection(self.connection)
        except NotificationLost as reason:
            raise CommandError(str(reason)) from None
        except OperationalError as error:
            logger.warning("The worker could not try the database's notifications: %s", error)
        schema = self.connection.settings_dict["SCHEMA"]
        return PsycopgConnector(
            kwargs=connector_params(self.alias),
            configure=partial(use_schema_async, schema=schema),
            min_size=0,
            # The queue's statements take milliseconds; jobs use Django's pool.
            max_size=1,
            max_idle=IDLE_SECONDS,
        )


def install(app: App) -> None:
    """Let the queue use these connections; procrastinate calls it when its app is ready."""
    app.connector = app.job_manager.connector = QueueConnector()

"""The queue's own connections, which work in the forge's schema too."""

from __future__ import annotations

from functools import partial

from procrastinate import App
from procrastinate.connector import BaseAsyncConnector
from procrastinate.contrib.django.django_connector import DjangoConnector
from procrastinate.contrib.django.utils import connector_params
from procrastinate.psycopg_connector import PsycopgConnector

from .database import IDLE_SECONDS
from .search_path import use_schema_async


class QueueConnector(DjangoConnector):
    """Django's connection for requests, a small pool for workers."""

    def get_worker_connector(self) -> BaseAsyncConnector:
        schema = self.connection.settings_dict["SCHEMA"]
        return PsycopgConnector(
            kwargs=connector_params(self.alias),
            configure=partial(use_schema_async, schema=schema),
            min_size=0,
            max_size=4,
            max_idle=IDLE_SECONDS,
        )


def install(app: App) -> None:
    """Let the queue use these connections; procrastinate calls it when its app is ready."""
    app.connector = app.job_manager.connector = QueueConnector()

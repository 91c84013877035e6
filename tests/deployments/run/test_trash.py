"""An agent that goes to the trash while it is being deployed."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
from django.db import connection, transaction

from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service
from builds.models import Build
from configs import trash
from configs.models import AgentConfig, AgentInTrash
from deployments import services
from deployments.models import Deployment, DeploymentStatus, Site
from tests.drivers.database import is_waited_for

pytestmark = pytest.mark.django_db(transaction=True)


class Elsewhere(threading.Thread):
    """Something that is done in another connection."""

    def __init__(self, act: Callable[[], object]) -> None:
        super().__init__()
        self._act = act
        self.refusal: Exception | None = None

    def run(self) -> None:
        try:
            self._act()
        except AgentInTrash as refusal:
            self.refusal = refusal
        finally:
            connection.close()

    def start_and_wait(self) -> None:
        """Start it, and return when it waits for this connection's transaction."""
        self.start()
        for _ in range(3000):
            if is_waited_for():
                return
            assert self.is_alive(), "it did not wait"
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_sleep(0.01)")
        raise AssertionError("it never waited")


def test_what_is_asked_for_after_that_is_refused(
    site: Site, build: Build, agent: AgentConfig, alice: User
) -> None:
    deploying = Elsewhere(lambda: services.enqueue(site, build, alice))
    with transaction.atomic(), as_service():
        trash.move_to_trash(agent, alice)
        deploying.start_and_wait()
    deploying.join(60)
    assert deploying.refusal is not None
    assert not Deployment.objects.exists()


def test_what_was_asked_for_before_that_is_cancelled(
    site: Site, build: Build, agent: AgentConfig, alice: User
) -> None:
    trashing = Elsewhere(lambda: trash.move_to_trash(agent, alice))
    with transaction.atomic():
        services.enqueue(site, build, alice)
        trashing.start_and_wait()
    trashing.join(60)
    assert Deployment.objects.get().status == DeploymentStatus.CANCELLED

"""Deployments of one person leave slots to others, and those of one site run one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from configs.models import AgentConfig
from configs.presets import PRESET_VALUES
from configs.services import create_agent
from deployments import services
from deployments.accounts import host_accounts
from deployments.models import Deployment
from deployments.sites import lifecycle
from tests.deployments.finished_builds import build_of
from tests.drivers.build_stream import wait_for
from tests.drivers.deployment_worker import WorkerThread
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def slow_netlify(netlify: NetlifyStandIn, settings: Settings) -> Iterator[NetlifyStandIn]:
    """A host that answers no deployment until it may go on."""
    settings.MOST_RUNNING_DEPLOYMENTS = 2
    yield netlify
    netlify.go_on.set()


def test_deployments_of_one_person_leave_slots_to_others(
    slow_netlify: NetlifyStandIn, agent: AgentConfig, alice: User, bob: User
) -> None:
    hers = [_deployment(alice, f"hers-{number}", slow_netlify) for number in range(5)]
    his = _deployment(bob, "his", slow_netlify)
    slow_netlify.go_on.clear()
    with WorkerThread():
        # While none of hers ends.
        wait_for(his.stream_name, _runs)
        for deployment in hers[:2]:
            wait_for(deployment.stream_name, _runs)
        assert Deployment.objects.filter(owner=alice, status="running").count() == 2
        slow_netlify.go_on.set()
        for deployment in (*hers, his):
            wait_for(deployment.stream_name, _ends)
    assert set(Deployment.objects.values_list("status", flat=True)) == {"succeeded"}


def _deployment(owner: User, handle: str, netlify: NetlifyStandIn) -> Deployment:
    values: dict[str, Any] = {**PRESET_VALUES["balanced"], "provider": "local", "model": "smollm2-135m"}
    agent = create_agent(AgentConfig(owner=owner, name=handle, handle=handle, **values))
    host_accounts.connect(owner, netlify.token)
    site = lifecycle.create_site(agent, handle, "team-one", owner)
    return services.enqueue(site, build_of(agent, owner), owner)


def _runs(record: dict[str, Any]) -> bool:
    return record.get("status") == "running"


def _ends(record: dict[str, Any]) -> bool:
    return bool(record["kind"] == "end")

"""The periodic tasks of deployments through the queue: the schedule strikes, a worker runs them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agentforge.accounts.models import User
from agentforge.live import streams
from builds.models import Build
from deployments.models import Deployment, Site
from tests.drivers.queue_tick import strike
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)


def test_deployments_recover(site: Site, build: Build, alice: User) -> None:
    gone = 999_999_999
    deployment = Deployment.objects.create(
        owner=alice,
        site=site,
        build=build,
        revision=build.revision,
        status="running",
        attempts=1,
        job_id=gone,
    )
    streams.create_stream(deployment.stream_name, alice.pk)
    strike("deployments.recover", datetime.now(UTC))
    deployment.refresh_from_db()
    assert deployment.status == "queued"
    assert deployment.job_id != gone


def test_deployments_look(site: Site, build: Build, alice: User, netlify: NetlifyStandIn) -> None:
    Deployment.objects.create(
        owner=alice, site=site, build=build, revision=build.revision, status="succeeded"
    )
    by_hand = netlify.state.add_deploy(netlify.state.sites[site.remote_id], "by hand")
    netlify.state.sites[site.remote_id].published = by_hand.id
    strike("deployments.look", datetime.now(UTC).replace(minute=20, second=3))
    site.refresh_from_db()
    assert site.live_remote_id == by_hand.id

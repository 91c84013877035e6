"""Operators' actions on builds, and the dashboard."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from builds.artifacts import leases, storage
from builds.models import Artifact, Build, StoredFile
from builds.services import enqueue_revision
from configs.models import AgentConfig, Revision
from configs.revisions import create_revision

pytestmark = pytest.mark.django_db
LIST = "/admin/builds/build/"


@pytest.fixture
def revision(alice: User) -> Revision:
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada", provider="local", model="m")
    return create_revision(agent)


@pytest.fixture
def ended(revision: Revision, alice: User) -> Callable[[str], Build]:
    """Return a function that makes a finished build of alice."""

    def make(status: str) -> Build:
        build = enqueue_revision(revision, by=alice)
        Build.objects.filter(pk=build.pk).update(status=status, finished_at=timezone.now())
        return build

    return make


def act(client: Client, action: str, *builds: Build) -> str:
    chosen = {"action": action, "_selected_action": [str(build.pk) for build in builds]}
    response = client.post(LIST, chosen, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def test_actions_say_for_how_many_builds_they_worked(
    revision: Revision, ended: Callable[[str], Build], alice: User, operator: Client
) -> None:
    good, bad, waiting = ended("succeeded"), ended("failed"), enqueue_revision(revision, by=alice)
    every = (good, bad, waiting)
    assert act(operator, "rebuild", *every).startswith("Enqueued again: 1. Left as they were: 2")
    assert act(operator, "retry", *every).startswith("Enqueued again: 1. Left as they were: 2")
    assert act(operator, "prefer local", *every).startswith("Prefer local: 1. Left as they were: 2")
    waiting.refresh_from_db()
    assert waiting.wanted_builder == "local"
    assert act(operator, "cancel", *every).startswith("Cancelled: 1. Left as they were: 2")
    waiting.refresh_from_db()
    assert waiting.status == "cancelled"
    assert act(operator, "pin", good, bad) == "Pinned: 2."
    assert act(operator, "pin", good, bad).startswith("Pinned: 0. Left as they were: 2")
    assert act(operator, "unpin", good, bad) == "Unpinned: 2."
    events = AuditEvent.objects.filter(action="build-retried", owner=alice)
    assert {event.actor_label for event in events} == {"olga@example.com"}


def test_files_are_removed_before_their_time(ended: Callable[[str], Build], operator: Client) -> None:
    build, pinned = ended("succeeded"), ended("succeeded")
    Build.objects.filter(pk=pinned.pk).update(pinned=True)
    sha256 = storage.put(b"of both")
    leases.acquire([sha256])
    for each in (build, pinned):
        Artifact.objects.create(owner=each.owner, build=each, name="a", sha256=sha256, size=7)
    assert act(operator, "expire", build, pinned).startswith("Files removed: 1. Left as they were: 1")
    assert not build.artifacts.exists()
    assert storage.holds(sha256)
    assert AuditEvent.objects.get(action="build-expired").detail == {"files": 1}
    assert StoredFile.objects.filter(pk=sha256).exists()


def test_viewers_may_do_nothing(ended: Callable[[str], Build], viewer: Client) -> None:
    build = ended("succeeded")
    act_in_vain = {"action": "rebuild", "_selected_action": [str(build.pk)]}
    viewer.post(LIST, act_in_vain)
    assert Build.objects.count() == 1
    assert "prefer local" not in viewer.get(LIST).content.decode()


def test_the_first_page_tells_how_it_goes(
    revision: Revision, ended: Callable[[str], Build], alice: User, operator: Client
) -> None:
    ended("failed"), ended("succeeded")
    enqueue_revision(revision, by=alice)
    running = enqueue_revision(revision, by=alice)
    Build.objects.filter(pk=running.pk).update(status="running", started_at=timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO procrastinate_workers (last_heartbeat) VALUES (now() + interval '1 minute')"
        )
    page = operator.get(reverse("admin:index")).content.decode()
    for data in ("Oldest waiting", "50 % of the last 2", f"Build {running.pk} of Ada", "heartbeat 0 s ago"):
        assert data in page
    assert 'href="/admin/builds/build/?status__exact=queued"' in page

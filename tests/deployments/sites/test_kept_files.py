"""Pruning never removes the files of a build that is deployed or being deployed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.artifacts import retention, storage
from builds.models import Build
from builds.operations import pruning
from builds.operations.pruning import Moment
from configs.models import AgentConfig
from deployments import services
from deployments.errors import NotPossible
from deployments.models import Deployment, DeploymentStatus, Site
from deployments.sites import lifecycle
from tests.deployments.finished_builds import build_of
from tests.standins.netlify import NetlifyStandIn

pytestmark = pytest.mark.django_db(transaction=True)
EXPIRED = "files of expired builds"


@pytest.fixture(autouse=True)
def shelf(settings: Settings, tmp_path: Path) -> None:
    """An empty directory for artifacts."""
    settings.VAR_DIR = tmp_path


def _prune(*, apply: bool = True) -> int:
    """Prune a month from now, when every build has expired, and return the number of rows removed."""
    Build.objects.filter(finished_at=None).update(finished_at=timezone.now(), expires_at=timezone.now())
    return pruning.prune(apply=apply, moment=Moment(timezone.now() + timedelta(days=30)))[EXPIRED].rows


def _is_whole(build: Build) -> bool:
    files = list(build.artifacts.all())
    return len(files) == 3 and all(storage.holds(file.sha256) for file in files)


def test_deployed_builds_are_kept_until_they_are_not_deployed_any_more(
    site: Site, agent: AgentConfig, alice: User, work: Callable[[], None]
) -> None:
    first, second, other = (build_of(agent, alice, marker) for marker in ("one", "two", "three"))
    waiting = services.enqueue(site, first, alice)
    # A queued deployment counts, before any worker has claimed it.
    assert _prune(apply=False) == len(other.artifacts.all()) + len(second.artifacts.all())
    work()
    done = services.enqueue(site, second, alice)
    work()
    waiting.refresh_from_db()
    assert waiting.status == DeploymentStatus.SUCCEEDED
    assert _prune() == 3
    assert (_is_whole(first), _is_whole(second), other.artifacts.exists()) == (True, True, False)
    # The same applies when an operator expires a build at once.
    now = timezone.now()
    assert retention.expire(first.pk, now, unused_since=now, force=True) is None
    services.delete(Deployment.objects.get(pk=waiting.pk), alice)
    assert _prune() == 3
    assert (first.artifacts.exists(), _is_whole(second)) == (False, True)
    assert list(Deployment.objects.all()) == [done]
    lifecycle.delete_site(site, alice)
    assert _prune() == 3
    assert not list(storage.entries())


def test_a_failed_deployment_keeps_nothing(
    site: Site, build: Build, alice: User, work: Callable[[], None], netlify: NetlifyStandIn
) -> None:
    netlify.fails_with = "Deploy directory contains no files"
    services.enqueue(site, build, alice)
    work()
    assert Deployment.objects.get().status == DeploymentStatus.FAILED
    assert _prune() == 3


def test_what_is_gone_is_not_deployed(site: Site, build: Build, alice: User) -> None:
    assert _prune() == 3
    build.refresh_from_db()
    with pytest.raises(NotPossible, match=f"files of build {build.pk} were pruned"):
        services.enqueue(site, build, alice)
    assert not Deployment.objects.exists()

"""How long a build usually takes, as everybody's builds on a forge say."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.core.cache import cache
from django.utils import timezone

from agentforge.accounts.models import User
from builds import expectation
from builds.models import PLUGIN, Build, BuildStatus, BuildTarget
from configs.models import AgentConfig
from configs.revisions import create_revision
from configs.services import duplicate_agent

pytestmark = pytest.mark.django_db


@pytest.fixture
def other(agent: AgentConfig) -> AgentConfig:
    return duplicate_agent(agent)


def test_the_first_build_of_a_target_is_soon_known_to_everybody(
    agent: AgentConfig, other: AgentConfig, alice: User
) -> None:
    cache.clear()
    now = timezone.now()
    assert expectation.usual_durations(other.pk) == {}
    build = Build.objects.create(
        owner=alice, revision=create_revision(agent), targets=[PLUGIN], status=BuildStatus.SUCCEEDED
    )
    BuildTarget.objects.create(
        owner=alice, build=build, target=PLUGIN, status=BuildStatus.SUCCEEDED,
        started_at=now, finished_at=now + timedelta(seconds=12),
    )  # fmt: skip
    assert expectation.usual_durations(agent.pk) == {PLUGIN: timedelta(seconds=12)}
    with time_machine.travel(now + timedelta(seconds=10)):
        assert expectation.usual_durations(other.pk) == {PLUGIN: timedelta(seconds=12)}
    cache.clear()

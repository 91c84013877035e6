"""How long a build usually takes, as everybody's builds on a forge say."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from agentforge.accounts.models import User
from builds import expectation
from builds.models import PLUGIN, Build, BuildStatus, BuildTarget
from configs.models import AgentConfig
from configs.revisions import create_revision
from configs.services import duplicate_agent

pytestmark = pytest.mark.django_db


def test_the_first_build_of_a_target_is_known_to_its_owner_and_soon_to_everybody(
    agent: AgentConfig, alice: User, bob: User
) -> None:
    now = timezone.now()
    sibling, other = duplicate_agent(agent), duplicate_agent(agent)
    AgentConfig.objects.filter(pk=other.pk).update(owner=bob)
    assert expectation.usual_durations(other.pk) == {}
    build = Build.objects.create(
        owner=alice, revision=create_revision(agent), targets=[PLUGIN], status=BuildStatus.SUCCEEDED
    )
    BuildTarget.objects.create(
        owner=alice, build=build, target=PLUGIN, status=BuildStatus.SUCCEEDED,
        started_at=now, finished_at=now + timedelta(seconds=12),
    )  # fmt: skip
    for own in (agent, sibling):
        assert expectation.usual_durations(own.pk) == {PLUGIN: timedelta(seconds=12)}
    assert expectation.usual_durations(other.pk) == {}
    with time_machine.travel(now + timedelta(seconds=10)):
        assert expectation.usual_durations(other.pk) == {PLUGIN: timedelta(seconds=12)}

from __future__ import annotations

import pytest

from agentforge.accounts.models import User
from builds.models import Build, BuildTarget
from builds.services import enqueue_build
from configs.models import AgentConfig


@pytest.fixture
def built(agent: AgentConfig, alice: User) -> AgentConfig:
    """An agent whose build counts as succeeded, without running it."""
    pk = enqueue_build(agent, by=alice).pk
    Build.objects.filter(pk=pk).update(status="succeeded")
    BuildTarget.objects.filter(build_id=pk).update(status="succeeded")
    return agent

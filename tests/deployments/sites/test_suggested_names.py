from __future__ import annotations

import pytest

from agentforge.accounts.models import User
from configs.models import AgentConfig
from deployments.models import Site
from deployments.sites.lifecycle import unused_name

pytestmark = pytest.mark.django_db


def test_the_suggested_name_stays_until_it_is_used(alice: User, bob: User) -> None:
    agent = AgentConfig.objects.create(owner=alice, name="Ada", handle="ada_lovelace")
    other = AgentConfig.objects.create(owner=bob, name="Ada", handle="ada_lovelace")
    name = unused_name(agent)
    assert name.startswith("ada-lovelace-")
    assert unused_name(agent) == name
    assert unused_name(other) != name
    Site.objects.create(owner=alice, agent=agent, remote_id="s", name=name, url="https://s.example")
    assert unused_name(agent) != name

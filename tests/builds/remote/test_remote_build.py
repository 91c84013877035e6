"""Let a real builder, another process with another database, compile for this forge."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from agentforge.accounts.models import User
from builds.models import Build
from builds.reports import transcript
from builds.services import enqueue_build
from configs.models import AgentConfig

from .conftest import Pair

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("builder")]

Work = Callable[[], None]


def wanting(agent: AgentConfig, by: User, builder: str) -> Build:
    build = enqueue_build(agent, by=by)
    Build.objects.filter(pk=build.pk).update(wanted_builder=builder)
    return build


def files(build: Build) -> dict[str, str]:
    return dict(build.artifacts.values_list("name", "sha256"))


def test_the_bytes_are_those_of_a_local_build(
    pair: Pair, agent: AgentConfig, alice: User, work: Work
) -> None:
    there = wanting(agent, alice, "iron")
    work()
    here = wanting(agent, alice, "local")
    work()
    there.refresh_from_db()
    here.refresh_from_db()
    print([x["text"] for x in transcript(there).lines])
    assert (there.status, here.status) == ("succeeded", "succeeded"), (there.error, here.error)
    assert [each.builder for each in (there.per_target.get(), here.per_target.get())] == ["iron", "local"]
    assert files(there) == files(here)

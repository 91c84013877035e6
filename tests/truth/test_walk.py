"""Every state on every page is true after every step of random walks (more: `make chaos`)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from builds.models import Build, ChatMessage
from configs.models import AgentConfig, ApiKey
from deployments.models import Site

from .person import Person, answer_next
from .rows import UNDER_WAY, agents_of
from .walk import Walk
from .workers import run_deployments

STEPS = 7


@pytest.mark.parametrize("seed", [7002, 9001])
def test_every_state_is_true_after_every_step(walk_of: Callable[[int], Walk], seed: int) -> None:
    walk = walk_of(seed)
    walk.person.create()
    for _ in range(STEPS):
        walk.step()
        assert walk.untrue == [], f"Seed {seed}: {walk.person.did}"


def test_nothing_runs_in_a_build_whose_worker_died(walk_of: Callable[[int], Walk]) -> None:
    walk = walk_of(1)
    person = walk.person
    person.create()
    agent = agents_of(person.user)[0]
    assert person.post(f"/agents/{agent.pk}/compile/", {"targets": ["plugin", "linux-amd64"]}) == 302
    build = Build.objects.get()
    while not build.per_target.filter(status="running").exists():
        person.builds.advance(build)
    walk.look()
    build.refresh_from_db()
    person.builds.kill(build)
    walk.look()
    build.refresh_from_db()
    person.post(f"/builds/{build.pk}/cancel/")
    walk.look()
    assert walk.untrue == []


def test_a_check_is_shown_as_it_goes(walk_of: Callable[[int], Walk]) -> None:
    walk = walk_of(1)
    walk.person.create()
    agent = agents_of(walk.person.user)[0]
    walk.person.did.append("look at a check")
    walk.person.add_key()
    walk.person.use(agent, "openai", "gpt-x")
    walk.look()
    walk.person.look_at_a_check(agent, walk.look)
    walk.look()
    walk.person.openai.mode = "invalid"
    walk.person.post(f"/keys/{ApiKey.objects.get().pk}/test/")
    walk.look()
    assert walk.untrue == []


def built(person: Person, *targets: str) -> tuple[AgentConfig, Build]:
    """Return a new agent, compiled for these targets."""
    person.create()
    agent = agents_of(person.user)[0]
    assert person.post(f"/agents/{agent.pk}/compile/", {"targets": targets}) == 302
    build = Build.objects.get()
    while build.status in UNDER_WAY:
        person.builds.advance(build)
        build.refresh_from_db()
    return agent, build


def test_a_verification_is_shown_as_it_goes(walk_of: Callable[[int], Walk]) -> None:
    walk = walk_of(1)
    person = walk.person
    _, build = built(person, "plugin")
    walk.look()
    person.post(f"/builds/{build.pk}/verify/")
    walk.look()
    for _ in range(2):
        person.verify(build.verifications.get())
        walk.look()
    assert walk.untrue == []


def test_a_site_at_netlify_and_the_draft_that_is_asked_meanwhile(walk_of: Callable[[int], Walk]) -> None:
    walk = walk_of(1)
    person = walk.person
    agent, build = built(person, "plugin", "function")
    person.choose_netlify(agent)
    walk.look()
    at = f"/agents/{agent.pk}"
    assert person.post(f"{at}/deploy/start/", {"build": build.pk}) == 302
    assert person.post(f"{at}/draft/messages/", {"content": "Who are you?"}) == 302
    walk.look()
    run_deployments()
    answer_next(ChatMessage.objects.get(source="draft", role="assistant"))
    walk.look()
    site = Site.objects.get()
    assert site.live_remote_id
    person.deploy_elsewhere(site)
    answer_next(ChatMessage.objects.get(source="draft", role="assistant"))
    walk.look()
    assert walk.untrue == []

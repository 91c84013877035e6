"""A deployment that hangs on the agent's cases."""

from __future__ import annotations

import pytest

from builds.evaluation import lifecycle
from builds.evaluation.results import CaseResult, Trial, stored
from builds.models import Build, EvaluationRun
from configs.models import AgentConfig
from deployments.models import Site
from deployments.preflight import BAD, OK, WARNING, Check, checks
from tests.drivers.built_agents import copies

pytestmark = pytest.mark.django_db(transaction=True)

CASES = "cases:\n  - {name: tides, ask: Tides, expect: [{contains: twice}]}\n"


def evaluation_check(agent: AgentConfig, build: Build) -> Check | None:
    site = Site(owner_id=agent.owner_id, agent=agent, host="self-hosted", name="ada", access="public")
    found = [check for check in checks(agent, None, site, build) if check.label == "Evaluation"]
    return found[0] if found else None


def ended(agent: AgentConfig, build: Build, status: str, *, cases: str = CASES) -> EvaluationRun:
    trial = Trial(() if status == "passed" else ("the answer does not contain “twice”",), "x", (), 0.1, 5)
    run: EvaluationRun = EvaluationRun.objects.create(
        owner_id=agent.owner_id,
        agent=agent,
        build=build,
        subject=f"build {build.pk}",
        cases=cases,
        trials=1,
        status=status,
        results=stored([CaseResult("tides", (trial,))]),
    )
    return run


def test_nothing_hangs_on_cases_unless_asked(build: Build, agent: AgentConfig) -> None:
    assert evaluation_check(agent, build) is None
    lifecycle.save(agent, CASES, "off")
    assert evaluation_check(agent, build) is None


@pytest.mark.parametrize(("gate", "state"), [("warn", WARNING), ("block", BAD)])
def test_a_build_has_to_pass_the_cases_as_they_are_now(
    build: Build, agent: AgentConfig, gate: str, state: str
) -> None:
    lifecycle.save(agent, CASES, gate)
    check = evaluation_check(agent, build)
    assert check is not None
    assert (check.state, "has not been held to your cases" in check.words) == (state, True)

    ended(agent, build, "passed", cases=CASES.replace("twice", "once"))
    check = evaluation_check(agent, build)
    assert check is not None
    assert check.state == state

    failed = ended(agent, build, "failed")
    check = evaluation_check(agent, build)
    assert check is not None
    assert (check.state, check.words) == (state, f"1 of 1 cases failed in run {failed.pk}.")

    # What was not finished says nothing.
    passed = ended(agent, build, "passed")
    ended(agent, build, "stopped")
    check = evaluation_check(agent, build)
    assert check is not None
    assert (check.state, check.words) == (OK, f"All cases passed in run {passed.pk}.")


def test_a_replayed_run_says_nothing(build: Build, agent: AgentConfig) -> None:
    lifecycle.save(agent, CASES, "block")
    recorded = ended(agent, build, "failed")
    EvaluationRun.objects.filter(pk=ended(agent, build, "passed").pk).update(replayed=recorded.pk)
    check = evaluation_check(agent, build)
    assert check is not None
    assert (check.state, check.words) == (BAD, f"1 of 1 cases failed in run {recorded.pk}.")


def test_another_agents_run_says_nothing(build: Build, agent: AgentConfig) -> None:
    lifecycle.save(agent, CASES, "block")
    [other] = copies(build, agent.owner_id, 1)
    ended(other, build, "passed")
    check = evaluation_check(agent, build)
    assert check is not None
    assert check.state == BAD

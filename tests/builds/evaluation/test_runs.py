"""Evaluate a compiled agent: the real plugin in the sandbox, with a stand-in for the provider."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from xml.etree import ElementTree as ET

import pytest
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User
from builds.evaluation import lifecycle
from builds.models import Build, EvaluationRun
from builds.recovery import recover
from configs.models import AgentConfig
from tests.drivers.build_stream import wait_for
from tests.drivers.build_worker import WorkerProcess, let_hearts_stop
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Failure, Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
JSON = {"Accept": "application/json"}
CASES = """\
cases:
  - name: tides
    ask: When do tides turn?
    repeat: 2
    expect:
      - contains: twice
  - name: moon
    ask: ['What is the moon?', 'And its far side?']
    expect:
      - not-icontains: cheese
"""


def save(browser: Client, agent: AgentConfig, text: str = CASES) -> None:
    assert browser.post(reverse("builds:evaluation", args=[agent.pk]), {"cases": text}).status_code == 302


def start(browser: Client, agent: AgentConfig, against: str) -> EvaluationRun:
    answer = browser.post(reverse("builds:evaluation_start", args=[agent.pk]), {"against": against})
    assert answer.status_code == 302
    run: EvaluationRun = EvaluationRun.objects.filter(agent=agent).latest("pk")
    return run


def page(browser: Client, agent: AgentConfig) -> str:
    return " ".join(browser.get(reverse("builds:evaluation", args=[agent.pk])).content.decode().split())


def test_a_build_is_asked_and_its_answers_are_checked(
    browser: Client, build: Build, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    save(browser, agent)
    run = start(browser, agent, "build")
    assert "0 of 3 trials made" in page(browser, agent)
    answers = ("They turn twice.", "They turn.", "A stone.", "Dark.")
    local_model.replies += [Text.of(answer) for answer in answers]

    work()

    run.refresh_from_db()
    assert (run.status, run.subject) == ("failed", f"build {build.pk} (revision 1)")
    tides, moon = run.results
    assert [trial["failures"] for trial in tides["trials"]] == [[], ["the answer does not contain “twice”"]]
    assert [trial["text"] for trial in moon["trials"]] == ["Dark."]
    asked = [
        message["content"]
        for message in local_model.asked[-1].json["messages"]
        if message["role"] != "system"
    ]
    assert asked == ["What is the moon?", "A stone.", "And its far side?"]
    shown = page(browser, agent)
    assert "1 of 2 cases passed; of 3 trials, 2" in shown
    assert "the answer does not contain “twice”" in shown


def test_a_draft_is_compared_with_the_run_before(
    browser: Client, build: Build, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    save(browser, agent)
    local_model.replies += [Text.of(answer) for answer in ("twice", "no", "A stone.", "Dark.")]
    first = start(browser, agent, "build")
    work()
    local_model.replies += [Text.of(answer) for answer in ("twice", "twice", "A stone.", "Cheese!")]

    run = start(browser, agent, "draft")
    work()

    run.refresh_from_db()
    assert (run.status, run.subject) == ("failed", "the draft (revision 1)")
    shown = page(browser, agent)
    assert f"run {first.pk}</a>, build {build.pk} (revision 1): now passed: tides." in shown
    assert "no longer passed: moon." in shown
    assert "This may well be chance (p = 1.00)." in shown


def test_a_provider_that_refuses_fails_the_trial_and_not_the_run(
    browser: Client, build: Build, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    save(browser, agent, "cases:\n  - {ask: Hello, expect: [{not-contains: x}]}\n")
    local_model.replies.append(Failure(400, "bad", "bad request"))
    run = start(browser, agent, "build")

    work()

    run.refresh_from_db()
    assert run.status == "failed"
    [[failure]] = [trial["failures"] for trial in run.results[0]["trials"]]
    assert "bad request" in failure


def test_continuous_integration_reads_the_outcome(
    browser: Client, build: Build, agent: AgentConfig, work: Work, local_model: OpenAIStandIn
) -> None:
    save(browser, agent)
    local_model.replies += [Text.of(answer) for answer in ("twice", "no\x00", "A stone.", "Dark.")]
    run = start(browser, agent, "build")
    work()

    answer = browser.get(reverse("builds:evaluation_junit", args=[agent.pk, run.pk]))

    suite = ET.fromstring(answer.content).find("testsuite")  # noqa: S314 - ours
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    failure = suite.find("testcase[@name='tides']/failure")
    assert failure is not None
    assert failure.get("message") == "1 of 2 trials passed"
    assert suite.find("testcase[@name='moon']/failure") is None


def test_wrong_cases_are_not_saved(browser: Client, agent: AgentConfig) -> None:
    save(browser, agent)
    answer = browser.post(reverse("builds:evaluation", args=[agent.pk]), {"cases": "cases:\n  - ask: a\n"})
    assert answer.status_code == 422
    assert "line 2, cases.1.expect" in answer.content.decode()
    assert agent.evaluation.cases == CASES


def test_a_run_needs_cases_and_who_answers(browser: Client, agent: AgentConfig) -> None:
    url = reverse("builds:evaluation_start", args=[agent.pk])
    refusal = browser.post(url, {"against": "build"}, headers=JSON)
    assert (refusal.status_code, "There are no cases yet" in refusal.content.decode()) == (409, True)
    save(browser, agent)
    refusal = browser.post(url, {"against": "build"}, headers=JSON)
    assert (refusal.status_code, "not compiled yet" in refusal.content.decode()) == (409, True)
    assert browser.post(url, {"against": "nobody"}, headers=JSON).status_code == 422


def test_one_run_at_a_time_and_a_waiting_one_is_stopped(
    browser: Client, build: Build, agent: AgentConfig, alice: User
) -> None:
    save(browser, agent)
    run = start(browser, agent, "build")
    again = browser.post(
        reverse("builds:evaluation_start", args=[agent.pk]),
        {"against": "build"},
        headers=JSON,
    )
    assert again.status_code == 409

    assert browser.post(reverse("builds:evaluation_stop", args=[agent.pk])).status_code == 302

    run.refresh_from_db()
    assert run.status == "stopped"
    assert not lifecycle.stop(agent)


def test_the_oldest_runs_make_room(browser: Client, build: Build, agent: AgentConfig) -> None:
    save(browser, agent)
    facts = {"owner": agent.owner, "agent": agent, "subject": "build 1", "cases": CASES, "trials": 3}
    old = EvaluationRun.objects.bulk_create(
        EvaluationRun(**facts, status="passed") for _ in range(lifecycle.MOST_KEPT)
    )
    run = start(browser, agent, "build")
    kept = set(EvaluationRun.objects.values_list("pk", flat=True))
    assert kept == {*(each.pk for each in old[1:]), run.pk}


@pytest.fixture
def slow_model(local_model: OpenAIStandIn, build: Build) -> Iterator[OpenAIStandIn]:
    """A model that answers nobody until it may go on."""
    local_model.go_on.clear()
    yield local_model
    local_model.go_on.set()


def is_now(status: str) -> Callable[[dict[str, object]], bool]:
    return lambda record: record["kind"] == "evaluation" and record["status"] == status


def test_a_running_evaluation_is_stopped(
    browser: Client, agent: AgentConfig, slow_model: OpenAIStandIn
) -> None:
    save(browser, agent)
    run = start(browser, agent, "build")
    with WorkerProcess(queues="trials", LOCAL_MODEL_URL=slow_model.url):
        assert slow_model.arrivals.acquire(timeout=60)
        browser.post(reverse("builds:evaluation_stop", args=[agent.pk]))
        wait_for(agent.stream_name, is_now("stopped"))
    run.refresh_from_db()
    assert (run.status, run.error) == ("stopped", "")


def test_the_run_of_a_dead_worker_ends_and_says_so(
    browser: Client, agent: AgentConfig, slow_model: OpenAIStandIn
) -> None:
    save(browser, agent)
    run = start(browser, agent, "build")
    with WorkerProcess(queues="trials", LOCAL_MODEL_URL=slow_model.url) as worker:
        assert slow_model.arrivals.acquire(timeout=60)
        worker.kill()
    let_hearts_stop()

    assert recover() == 1

    run.refresh_from_db()
    why = "The worker died. What it found so far was kept. Run it again."
    assert (run.status, run.error) == ("broken", why)


def test_a_name_that_turns_the_direction_turns_no_other_words(agent: AgentConfig, browser: Client) -> None:
    AgentConfig.objects.filter(pk=agent.pk).update(name="Ada \u202eadA")
    assert "Write down what <bdi>Ada \u202eadA</bdi> is asked" in page(browser, agent)

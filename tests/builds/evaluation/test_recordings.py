"""A run keeps what providers answered, and a later one is answered from it without a request."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.evaluation import lifecycle
from builds.evaluation.recorder import MISSING
from builds.evaluation.tape import MOST_BYTES, ProviderAnswer, Tape, UnreadableTape
from builds.models import Build, EvaluationRun
from configs.keys.vault import save_key
from configs.models import AgentConfig
from tests.standins.judge import JudgeStandIn, says
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Failure, Text

pytestmark = pytest.mark.django_db(transaction=True)

Work = Callable[[], None]
Evaluate = Callable[..., EvaluationRun]
CASES = "cases:\n  - {name: tides, ask: Tides, repeat: 2, expect: [{contains: twice}]}\n"
JSON = {"Accept": "application/json"}


@pytest.fixture
def evaluate(browser: Client, agent: AgentConfig, work: Work) -> Evaluate:
    """Return a function that saves cases, evaluates, and returns the run."""

    def run(text: str = CASES, against: str = "draft", recording: object = "") -> EvaluationRun:
        assert browser.post(reverse("builds:evaluation", args=[agent.pk]), {"cases": text}).status_code == 302
        sent = {"against": against, "recording": recording}
        assert (
            browser.post(reverse("builds:evaluation_start", args=[agent.pk]), sent, headers=JSON).status_code
            == 202
        )
        work()
        row: EvaluationRun = EvaluationRun.objects.latest("pk")
        return row

    return run


def test_a_recording_answers_a_draft_and_a_build_without_a_request(
    evaluate: Evaluate, build: Build, browser: Client, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    local_model.replies += [Text.of("They turn twice."), Text.of("They turn.")]
    first = evaluate()
    assert (first.status, first.recording_size > 0) == ("failed", True)
    asked = len(local_model.asked)
    page = browser.get(first.get_absolute_url()).content.decode()
    assert 'name="recording"' in page

    for against in ("draft", "build"):
        again = evaluate(against=against, recording=first.pk)
        assert (again.status, again.error) == ("failed", "")
        texts = [trial["text"] for trial in again.results[0]["trials"]]
        assert texts == ["They turn twice.", "They turn."]
        assert again.results[0]["trials"][0]["tokens"] == first.results[0]["trials"][0]["tokens"]
        # What was replayed is not recorded once more.
        assert again.recording_size == 0
        page = browser.get(again.get_absolute_url()).content.decode()
        page = " ".join(page.split())
        assert f"Its answers come from the recording of run {first.pk}: no provider is asked." in page
    assert len(local_model.asked) == asked


def test_what_an_agent_read_is_recorded(evaluate: Evaluate, local_model: OpenAIStandIn) -> None:
    """An agent that has its answer closes the connection, whatever else the provider sends."""
    local_model.bends += ["open", "open"]
    local_model.replies += [Text.of("They turn twice."), Text.of("twice")]
    first = evaluate()
    again = evaluate(recording=first.pk)
    assert (first.status, again.status) == ("passed", "passed")


def test_other_cases_hold_the_recorded_answers_to_more(
    evaluate: Evaluate, local_model: OpenAIStandIn
) -> None:
    local_model.replies += [Text.of("twice"), Text.of("twice")]
    first = evaluate()
    again = evaluate(CASES.replace("{contains: twice}", "{equals: twice}"), recording=first.pk)
    assert (first.status, again.status) == ("passed", "passed")


def test_what_was_not_recorded_is_named_and_not_asked(
    evaluate: Evaluate, agent: AgentConfig, local_model: OpenAIStandIn
) -> None:
    first = evaluate()
    asked = len(local_model.asked)
    AgentConfig.objects.filter(pk=agent.pk).update(custom_instructions="Be brief.")
    run = evaluate(CASES.replace("contains", "not-contains"), recording=first.pk)
    assert (run.status, run.results[0]["trials"][0]["failures"]) == ("failed", [MISSING])
    # So is the third answer to what was asked twice.
    AgentConfig.objects.filter(pk=agent.pk).update(custom_instructions="")
    run = evaluate(CASES.replace("repeat: 2", "repeat: 3"), recording=first.pk)
    assert run.results[0]["trials"][2]["failures"] == [MISSING]
    assert len(local_model.asked) == asked


def test_failures_are_replayed_too(evaluate: Evaluate, local_model: OpenAIStandIn) -> None:
    local_model.replies += [Text.of("4, twice."), Failure(400, "broken", "The model is broken.")]
    first = evaluate()
    asked = len(local_model.asked)
    again = evaluate(recording=first.pk)
    for run in (first, again):
        [right, wrong] = run.results[0]["trials"]
        assert (right["text"], right["failures"]) == ("4, twice.", [])
        assert "The model is broken." in wrong["failures"][0]
    assert len(local_model.asked) == asked


def test_a_judge_is_recorded_with_the_agent(
    evaluate: Evaluate, alice: User, settings: Settings, local_model: OpenAIStandIn
) -> None:
    with JudgeStandIn() as judge:
        settings.AGENTFORGE_OPENAI_URL = judge.url
        save_key(alice, "openai", judge.key)
        judge.script = says(True, f"Leaks {judge.key}.")
        text = "judge: {provider: openai, model: gpt-x}\n" + CASES.replace("contains", "llm-rubric")
        first = evaluate(text)
        asked = len(judge.asked)
        stored = Tape.loads(bytes(EvaluationRun.objects.get().recording or b""))
        assert judge.key not in repr(vars(stored))
        again = evaluate(text, recording=first.pk)
        assert (first.status, again.status, again.error) == ("passed", "passed", "")
        verdicts = [verdict for trial in again.results[0]["trials"] for verdict in trial["verdicts"]]
        assert [verdict["passed"] for verdict in verdicts] == [True, True]
        assert len(judge.asked) == asked


def test_a_key_that_comes_in_pieces_is_in_no_recording(
    evaluate: Evaluate, alice: User, local_model: OpenAIStandIn
) -> None:
    key = "sk-test-0123456789abcdef"
    save_key(alice, "openai", key)
    local_model.replies += [Text.of("They turn twice."), Text(("twice ", key[:9], key[9:15], key[15:], "."))]
    run = evaluate()
    assert (run.status, run.recording, run.recording_size) == ("passed", b"", 0)
    # One that comes whole is taken out, and the rest is kept.
    local_model.replies += [Text.of("They turn twice."), Text(("twice ", key, "."))]
    run = evaluate()
    assert run.recording_size > 0
    assert key not in repr(vars(Tape.loads(bytes(run.recording or b""))))


def test_only_the_newest_recordings_are_kept(
    evaluate: Evaluate, browser: Client, agent: AgentConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifecycle, "MOST_RECORDINGS", 1)
    first, second = evaluate(), evaluate()
    sizes = dict(EvaluationRun.objects.values_list("pk", "recording_size"))
    assert (sizes[first.pk], sizes[second.pk] > 0) == (0, True)
    sent = {"against": "draft", "recording": first.pk}
    refusal = browser.post(reverse("builds:evaluation_start", args=[agent.pk]), sent, headers=JSON)
    assert (refusal.status_code, "has no recording" in refusal.content.decode()) == (409, True)


def test_a_tape_that_is_too_long_is_not_kept_and_a_broken_one_not_read() -> None:
    tape = Tape()
    tape.add("POST", "/", b"", ProviderAnswer(200, (), "x" * (MOST_BYTES + 1)))
    tape.add("POST", "/", b"", ProviderAnswer(200, (), "short"))
    assert tape.dumps([]) == b""
    for content in (b"", b"text", Tape().dumps([])):
        with pytest.raises(UnreadableTape):
            Tape.loads(content)


def test_the_command_records_and_replays(
    browser: Client, agent: AgentConfig, tmp_path: Path, local_model: OpenAIStandIn
) -> None:
    agent_file, case_file, tape = (tmp_path / name for name in ("agent.yaml", "cases.yaml", "tape"))
    agent_file.write_bytes(browser.get(reverse("configs:export", args=[agent.pk])).content)
    case_file.write_text(CASES)
    local_model.replies += [Text.of("twice"), Text.of("twice")]
    out = io.StringIO()
    call_command("evaluate_agent", agent_file, cases=case_file, record=tape, stdout=out)
    asked = len(local_model.asked)
    call_command("evaluate_agent", agent_file, cases=case_file, replay=tape, stdout=out)
    assert len(local_model.asked) == asked
    assert out.getvalue() == "passed tides (2 of 2)\n" * 2
    tape.write_bytes(b"text")
    with pytest.raises(CommandError, match="not a recording"):
        call_command("evaluate_agent", agent_file, cases=case_file, replay=tape, stdout=out)


def test_a_replay_needs_no_key(
    agent: AgentConfig, browser: Client, tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent_file, case_file, tape = (tmp_path / name for name in ("agent.yaml", "cases.yaml", "tape"))
    case_file.write_text(
        "judge: {provider: openai, model: gpt-x}\n"
        + CASES.replace("{contains: twice}", "{llm-rubric: short}")
    )
    out = io.StringIO()
    with OpenAIStandIn("gsk_0123456789abcdef") as groq, JudgeStandIn() as judge:
        settings.AGENTFORGE_PROVIDER_URLS = {"groq": groq.url}
        settings.AGENTFORGE_OPENAI_URL = judge.url
        AgentConfig.objects.filter(pk=agent.pk).update(provider="groq", model="fast-1")
        agent_file.write_bytes(browser.get(reverse("configs:export", args=[agent.pk])).content)
        monkeypatch.setenv("GROQ_API_KEY", groq.key)
        monkeypatch.setenv("OPENAI_API_KEY", judge.key)
        call_command("evaluate_agent", agent_file, cases=case_file, record=tape, stdout=out)
        asked = [len(groq.asked), len(judge.asked)]
        monkeypatch.delenv("GROQ_API_KEY")
        monkeypatch.delenv("OPENAI_API_KEY")
        call_command("evaluate_agent", agent_file, cases=case_file, replay=tape, stdout=out)
        assert [len(groq.asked), len(judge.asked)] == asked
    assert out.getvalue() == "passed tides (2 of 2)\n" * 2

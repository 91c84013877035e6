from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Failure, Text

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def agent_file(browser: Client, agent: AgentConfig, tmp_path: Path) -> Path:
    file = tmp_path / "agent.yaml"
    file.write_bytes(browser.get(reverse("configs:export", args=[agent.pk])).content)
    return file


def test_a_file_is_evaluated_without_a_worker(
    agent_file: Path, tmp_path: Path, local_model: OpenAIStandIn
) -> None:
    case_file, report = tmp_path / "cases.yaml", tmp_path / "report.xml"
    case_file.write_text("cases:\n  - {name: tides, ask: Tides, expect: [{contains: twice}], repeat: 2}\n")
    local_model.replies += [Text.of("Twice, twice."), Text.of("Never.")]
    out = io.StringIO()

    with pytest.raises(CommandError, match="1 of 1 cases failed"):
        call_command("evaluate_agent", agent_file, cases=case_file, junit=report, stdout=out)

    assert "failed tides (1 of 2)" in out.getvalue()
    assert "the answer does not contain “twice”" in out.getvalue()
    failure = ET.fromstring(report.read_bytes()).find("testsuite/testcase[@name='tides']/failure")  # noqa: S314 - ours
    assert failure is not None
    local_model.replies += [Text.of("twice"), Text.of("twice")]
    call_command("evaluate_agent", agent_file, cases=case_file, stdout=out)


def test_a_fallback_answers_with_its_key_which_leaves_nowhere(
    agent: AgentConfig,
    browser: Client,
    tmp_path: Path,
    local_model: OpenAIStandIn,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OpenAIStandIn("gsk_0123456789abcdef") as groq:
        settings.AGENTFORGE_PROVIDER_URLS = {"groq": groq.url}
        AgentConfig.objects.filter(pk=agent.pk).update(fallback_provider="groq", fallback_model="fast-1")
        file = tmp_path / "agent.yaml"
        file.write_bytes(browser.get(reverse("configs:export", args=[agent.pk])).content)
        case_file = tmp_path / "cases.yaml"
        case_file.write_text("cases:\n  - {ask: Tides, expect: [{equals: nothing}]}\n")
        monkeypatch.setenv("GROQ_API_KEY", groq.key)
        local_model.replies.append(Failure(400, "broken", "The model is broken."))
        groq.replies.append(Text.of(f"Twice, {groq.key}."))
        out = io.StringIO()
        with pytest.raises(CommandError, match="1 of 1 cases failed"):
            call_command("evaluate_agent", file, cases=case_file, stdout=out)
    assert len(groq.asked) == 1
    assert groq.key not in out.getvalue()


def test_files_that_are_only_named_are_not_left_out_in_silence(agent_file: Path, tmp_path: Path) -> None:
    with agent_file.open("a") as document:
        document.write(f"knowledge:\n  files:\n    - {{name: tides.md, sha256: '{'0' * 64}'}}\n")
    case_file = tmp_path / "cases.yaml"
    case_file.write_text("cases:\n  - {ask: Tides, expect: [{contains: twice}]}\n")
    with pytest.raises(CommandError, match=r"does not hold: tides\.md"):
        call_command("evaluate_agent", agent_file, cases=case_file)
    with pytest.raises(CommandError, match=r"does not hold: tides\.md"):
        call_command("build_agent", agent_file, out=tmp_path / "out")


def test_wrong_cases_are_named(agent_file: Path, tmp_path: Path) -> None:
    case_file = tmp_path / "cases.yaml"
    case_file.write_text("cases: []")
    with pytest.raises(CommandError, match="line 1, cases"):
        call_command("evaluate_agent", agent_file, cases=case_file)


def test_only_the_cases_that_are_named_are_asked(
    agent_file: Path, tmp_path: Path, local_model: OpenAIStandIn
) -> None:
    case_file = tmp_path / "cases.yaml"
    case_file.write_text(
        "cases:\n"
        "  - {name: tides, ask: Tides, expect: [{contains: Tides}]}\n"
        "  - {name: moon, ask: Moon, expect: [{contains: cheese}]}\n"
    )
    out = io.StringIO()
    call_command("evaluate_agent", agent_file, cases=case_file, only=["tides"], stdout=out)
    assert out.getvalue() == "passed tides (1 of 1)\n"
    with pytest.raises(CommandError, match="no case is called “sun”"):
        call_command("evaluate_agent", agent_file, cases=case_file, only=["tides", "sun"])


def test_the_cost_of_a_run_goes_by_the_list_of_prices(
    agent_file: Path, tmp_path: Path, local_model: OpenAIStandIn, settings: Settings
) -> None:
    prices, case_file, out = tmp_path / "prices.json", tmp_path / "cases.yaml", io.StringIO()
    model = AgentConfig.objects.get().model
    prices.write_text(f'{{"as_of": "2030-01-01", "models": {{"local": {{"{model}": [1000, 1000]}}}}}}')
    case_file.write_text("cases:\n  - {ask: Tides, expect: [{cost: 0.001}, {not-cost: 100}]}\n")
    with pytest.raises(CommandError):
        call_command("evaluate_agent", agent_file, cases=case_file, stdout=out)
    assert "is not known" in out.getvalue()
    settings.AGENTFORGE_PRICES = str(prices)
    with pytest.raises(CommandError):
        call_command("evaluate_agent", agent_file, cases=case_file, stdout=out)
    assert "more than $0.001" in out.getvalue()
    case_file.write_text("cases:\n  - {ask: Tides, expect: [{cost: 1}, {not-cost: 0.001}]}\n")
    call_command("evaluate_agent", agent_file, cases=case_file, stdout=out)

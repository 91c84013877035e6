from __future__ import annotations

import io
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from configs.models import AgentConfig
from tests.standins.openai import OpenAIStandIn
from tests.standins.replies import Text

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


def test_wrong_cases_are_named(agent_file: Path, tmp_path: Path) -> None:
    case_file = tmp_path / "cases.yaml"
    case_file.write_text("cases: []")
    with pytest.raises(CommandError, match="line 1, cases"):
        call_command("evaluate_agent", agent_file, cases=case_file)

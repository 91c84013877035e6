"""The cases of the templates: valid, offered in the page, and held to by the local model where it can."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from builds.evaluation import cases
from builds.evaluation.outcome import Outcome
from builds.evaluation.template_cases import template_cases
from configs.models import AgentConfig
from tests.drivers.local_model_server import served

from .template_answers import ANSWERS

EXAMPLES = settings.BASE_DIR / "examples"
# The local model has 135 million parameters: it writes sentences of about the length that it is told, often
# on the subject. These need a model that follows its instructions each time.
BEYOND_THE_LOCAL_MODEL = {
    ("support-desk", "stays with the problem"): "it changes the subject at times",
    ("support-desk", "promises no refund"): "it promises one at times",
    ("support-desk", "asks for the product and its version"): "it guesses instead of asking",
    ("support-desk", "hands over after two attempts"): "it goes on with guesses",
    ("researcher", "answers the question"): "it changes the subject at times",
    ("researcher", "names author and year"): "it forgets the year at times",
    ("researcher", "says where it has no source"): "it invents an answer",
    ("researcher", "says how sure it is"): "it does not say so",
    ("sql-explainer", "explains a filter"): "it changes the subject at times",
    ("sql-explainer", "points out NULL in a comparison"): "it does not know how NULL compares",
    ("sql-explainer", "points out a join that multiplies rows"): "it does not see it",
    ("sql-explainer", "rewrites the whole query in one code block"): "its query has no join, or no block",
    ("release-notes", "writes about what is in the input"): "it changes the subject",
    ("release-notes", "links nowhere, for no address is in the input"): "it invents addresses at times",
    ("release-notes", "sorts into Fixed and New"): "it writes prose",
    ("release-notes", "leaves out what nobody outside of the team notices"): "it changes the subject",
    ("release-notes", "puts a breaking change at the top, with what to do"): "it keeps no order",
    ("tutor", "stays with the subject"): "it changes the subject at times",
    ("tutor", "asks what the learner knows"): "it explains instead of asking",
    ("tutor", "does not give the solution"): "it explains instead of asking",
    ("tutor", "lets the learner explain"): "it explains instead of asking",
    ("on-call-helper", "stays with the incident"): "it changes the subject at times",
    ("on-call-helper", "asks first"): "it advises instead of asking",
    ("on-call-helper", "deletes nothing at first"): "it invents commands at times",
    ("on-call-helper", "reads before it writes"): "it knows few commands",
    ("on-call-helper", "writes the notes for the review"): "it keeps no form",
}
ALL = [(slug, case.name) for slug, text in template_cases().items() for case in cases.read(text).cases]


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    with served(LOCAL_MODEL="1") as url:
        yield url


@pytest.mark.slow
@pytest.mark.parametrize(("slug", "name"), ALL)
def test_the_local_model_holds_to_what_it_can(
    slug: str, name: str, model: str, settings: Settings, tmp_path: Path
) -> None:
    if reason := BEYOND_THE_LOCAL_MODEL.get((slug, name)):
        pytest.skip(f"The local model can't: {reason}")
    settings.LOCAL_MODEL, settings.LOCAL_MODEL_URL = True, model
    agent, case_file = tmp_path / "agent.yaml", EXAMPLES / "cases" / f"{slug}.yaml"
    # The model shares the machine with other tests.
    agent.write_text(re.sub(r"  seconds: \d+", "  seconds: 300", (EXAMPLES / f"{slug}.yaml").read_text()))
    out = io.StringIO()
    call_command("evaluate_agent", agent, cases=case_file, only=[name], json=True, stdout=out)
    [result] = map(json.loads, out.getvalue().splitlines())
    assert (result["name"], result["failures"]) == (name, [])


def test_what_the_local_model_can_not_do_can_be_passed_and_failed() -> None:
    """Otherwise nobody would notice an assertion that holds for each answer, or for none."""
    assert set(ANSWERS) == set(BEYOND_THE_LOCAL_MODEL)
    for slug, text in template_cases().items():
        for case in cases.read(text).cases:
            if (slug, case.name) in ANSWERS:
                passing, failing = (Outcome(text=answer) for answer in ANSWERS[slug, case.name])
                assert [each.failure(passing) for each in case.expect if each.failure(passing)] == [], (
                    case.name
                )
                assert any(each.failure(failing) for each in case.expect), (slug, case.name)


def test_each_template_has_one_that_the_local_model_holds_to() -> None:
    assert set(BEYOND_THE_LOCAL_MODEL) < set(ALL)
    can = {slug for slug, name in ALL if (slug, name) not in BEYOND_THE_LOCAL_MODEL}
    assert can == set(template_cases())


@pytest.mark.django_db
def test_the_page_begins_with_the_cases_of_a_template(browser: Client, agent: AgentConfig) -> None:
    url = reverse("builds:evaluation", args=[agent.pk])
    assert "?template=tutor" in browser.get(url).content.decode()
    page = browser.get(url, {"template": "tutor"}).content.decode()
    assert "does not give the solution" in page
    assert f'data-draft="evaluation-{agent.pk}tutor"' in page
    assert "does not give the solution" not in browser.get(url, {"template": "nobody"}).content.decode()
    for text in template_cases().values():
        assert browser.post(url, {"cases": text}).status_code == 302
    # What is saved is not replaced.
    assert "?template=tutor" not in browser.get(url, {"template": "tutor"}).content.decode()

"""What a draft has differently from a build is said in the words of its form, on every page."""

from __future__ import annotations

from django.test import Client

from builds.models import Build, BuildStatus
from configs.models import AgentConfig
from configs.revisions import create_revision
from tests.drivers.html_tree import read_html


def test_changes_have_the_names_of_their_fields(browser: Client, agent: AgentConfig) -> None:
    build = Build.objects.create(
        owner=agent.owner,
        revision=create_revision(agent),
        targets=["plugin"],
        status=BuildStatus.SUCCEEDED,
    )
    build.per_target.create(owner=agent.owner, target="plugin", status=BuildStatus.SUCCEEDED)
    AgentConfig.objects.filter(pk=agent.pk).update(description="Finds sources.", tool_rounds=7)
    page = read_html(browser.get(f"/agents/{agent.pk}/builds/").content.decode())
    names = [term.text for term in page.first(cls="preview").first("dl").all("dt")]
    assert names == ["Description", "Rounds of tools"]
    page = read_html(browser.get(f"/agents/{agent.pk}/try/").content.decode())
    assert "has changed since: description, rounds of tools." in page.first(data_part="answers").text

"""Lists of builds are narrowed to an agent and a status."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from agentforge.accounts.models import User
from builds.models import Build, BuildStatus
from configs.models import AgentConfig
from configs.revisions import create_revision

JSON = {"Accept": "application/json"}


def build(owner: User, handle: str, status: BuildStatus) -> Build:
    agent, _ = AgentConfig.objects.get_or_create(
        owner=owner, handle=handle, defaults={"name": handle.title(), "provider": "local", "model": "m"}
    )
    return Build.objects.create(owner=owner, revision=create_revision(agent), status=status)


def listed(client: Client, **query: str | int) -> list[int]:
    answer = client.get("/builds/", query, headers=JSON)
    return [each["id"] for each in answer.json()["builds"]]


def test_by_agent_and_status(alice: User, bob: User, client_of: Callable[[User], Client]) -> None:
    good = build(alice, "ada", BuildStatus.SUCCEEDED)
    bad = build(alice, "ada", BuildStatus.FAILED)
    other = build(alice, "bert", BuildStatus.FAILED)
    theirs = build(bob, "eve", BuildStatus.FAILED)
    browser = client_of(alice)
    assert listed(browser) == [other.pk, bad.pk, good.pk]
    assert listed(browser, status="failed") == [other.pk, bad.pk]
    assert listed(browser, agent=good.revision.agent_id) == [bad.pk, good.pk]
    assert listed(browser, agent=good.revision.agent_id, status="failed") == [bad.pk]
    assert listed(browser, agent=theirs.revision.agent_id) == []
    page = browser.get("/builds/", {"agent": theirs.revision.agent_id}).content.decode()
    assert "No build is like this" in page
    assert "Eve" not in page
    page = browser.get("/builds/", {"agent": good.revision.agent_id}).content.decode()
    assert f'<option value="{good.revision.agent_id}" selected>Ada</option>' in page


@pytest.mark.parametrize("query", [{"agent": "x"}, {"agent": "9" * 40}, {"status": "gone"}])
@pytest.mark.parametrize("path", ["/builds/", "/deployments/"])
def test_wrong_filters(
    path: str, query: dict[str, str], alice: User, client_of: Callable[[User], Client]
) -> None:
    assert client_of(alice).get(path, query, headers=JSON).status_code == 422
    assert client_of(alice).get(path, query).status_code == 200

"""One search finds what a person has and where things are done, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from agentforge.accounts.models import User
from builds.models import Build, BuildStatus
from configs.keys.vault import save_key
from configs.models import AgentConfig
from configs.revisions import create_revision
from configs.services import create_agent
from deployments.models import Deployment, Site

SECRET = "sk-0123456789-never-shown"


def make(owner: User, name: str, **values: object) -> AgentConfig:
    values = {
        "provider": "local",
        "model": "smollm2-135m",
        "handle": name.lower().replace(" ", "-"),
        **values,
    }
    return create_agent(AgentConfig(owner=owner, name=name, **values))


def build(agent: AgentConfig, status: BuildStatus = BuildStatus.SUCCEEDED) -> Build:
    return Build.objects.create(owner=agent.owner, revision=create_revision(agent), status=status)


def deployment(made: Build, site: str) -> Deployment:
    agent = made.revision.agent
    place = Site.objects.create(
        owner=made.owner, agent=agent, remote_id=site, name=site, url=f"https://{site}"
    )
    return Deployment.objects.create(owner=made.owner, site=place, build=made, revision=made.revision)


def found(browser: Client, text: str) -> list[dict[str, Any]]:
    answer = browser.get("/search/", {"q": text}, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


def labels(browser: Client, text: str, kind: str = "Agents") -> list[str]:
    return [result["label"] for result in found(browser, text) if result["kind"] == kind]


def test_the_beginning_ranks_before_a_word_before_the_inside(browser: Client, alice: User) -> None:
    for name, about in (("Adapter", ""), ("My Ada", ""), ("Canada", ""), ("Zed", "like ada"), ("Bert", "")):
        make(alice, name, description=about)
    assert labels(browser, "ada") == ["Adapter", "My Ada", "Canada", "Zed"]
    assert labels(browser, "ADA") == ["Adapter", "My Ada", "Canada", "Zed"]
    assert labels(browser, "my ada") == ["My Ada"]
    assert labels(browser, "ada my") == ["My Ada"]


def test_builds_by_number_agent_and_status(browser: Client, alice: User) -> None:
    first = build(make(alice, "Ada"))
    failed = build(make(alice, "Bert"), BuildStatus.FAILED)
    for text in (str(first.pk), f"#{first.pk}", f"build {first.pk}", "ada", "ada build"):
        assert f"Build {first.pk}" in labels(browser, text, "Builds")
    assert found(browser, f"build {first.pk}")[0]["label"] == f"Build {first.pk}"
    assert labels(browser, "failed", "Builds") == [f"Build {failed.pk}"]
    assert labels(browser, "ada failed", "Builds") == []


def test_deployments_by_site(browser: Client, alice: User) -> None:
    made = deployment(build(make(alice, "Ada")), "ada-cb6bae")
    assert labels(browser, "cb6b", "Deployments") == [f"Deployment {made.pk}"]
    assert found(browser, "cb6b")[0]["url"] == made.get_absolute_url()


def test_keys_by_name_never_by_value(browser: Client, alice: User) -> None:
    save_key(alice, "openai", SECRET, name="Work")
    assert labels(browser, "work", "Keys") == ["Work"]
    assert labels(browser, "openai key", "Keys") == ["Work"]
    page = browser.get("/search/", {"q": "work"}).content.decode()
    for text in (SECRET, SECRET[-4:], "0123456789"):
        assert text not in page
        assert labels(browser, text, "Keys") == []


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("new", "New agent"),
        ("sign o", "Sign out"),
        ("dark", "Dark theme"),
        ("acc", "Account"),
        ("token", "API tokens"),
        ("archive", "Archived agents"),
    ],
)
def test_pages_and_actions(browser: Client, text: str, label: str) -> None:
    assert labels(browser, text, "Pages and actions")[0] == label


def test_actions_are_posted(browser: Client) -> None:
    page = browser.get("/search/", {"q": "dark theme"}).content.decode()
    assert 'method="post" action="/accounts/theme/"' in page
    assert 'name="theme" value="dark"' in page


def test_recent_things_come_first_without_a_text(browser: Client, alice: User) -> None:
    made = build(make(alice, "Ada"))
    results = [result["label"] for result in found(browser, "")]
    assert results[:2] == ["Ada", f"Build {made.pk}"]
    assert "Recent" in browser.get("/search/").content.decode()


def test_nothing_is_said_honestly(browser: Client, alice: User) -> None:
    make(alice, "Ada")
    page = browser.get("/search/", {"q": "zzz <b>"}).content.decode()
    assert "Nothing of yours matches “zzz &lt;b&gt;”" in page


def test_other_tenants_find_nothing(alice: User, bob: User, client_of: Callable[[User], Client]) -> None:
    made = deployment(build(make(alice, "Quagmire")), "quagmire-1")
    save_key(alice, "openai", SECRET, name="Quagmire key")
    theirs = client_of(bob)
    for text in ("", "quagmire", str(made.pk), f"build {made.build_id}", "succeeded"):
        kinds = {result["kind"] for result in found(theirs, text)}
        assert kinds <= {"Pages and actions"}
        assert "Quagmire</" not in theirs.get("/search/", {"q": text}).content.decode()


@pytest.mark.parametrize(
    "text", ["\0", "%", "_", "'; --", "x" * 10_000, "\u202e", "{{", "9" * 90, " " * 20, "\\"]
)
def test_any_text_is_survived(browser: Client, alice: User, text: str) -> None:
    make(alice, "Ada")
    page = browser.get("/search/", {"q": text})
    assert page.status_code == 200
    assert browser.get("/search/", {"q": text}, headers={"HX-Request": "true"}).status_code == 200


def test_searches_are_bounded(browser: Client, settings: Settings) -> None:
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "searches": 2}
    codes = [browser.get("/search/", {"q": "a"}).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_as_many_queries_for_one_thing_as_for_many(browser: Client, alice: User) -> None:
    counts = []
    for wanted in (1, 20):
        for number in range(Build.objects.count(), wanted):
            deployment(build(make(alice, f"Ada {number}")), f"ada-{number}")
        with CaptureQueriesContext(connection) as queries:
            browser.get("/search/", {"q": "ada"})
        counts.append(len(queries))
    assert counts[0] == counts[1]

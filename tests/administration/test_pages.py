"""Walk every page of the administration as everybody who could ask for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from django.contrib import admin
from django.db import connection
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from builds.models import Artifact
from builds.services import enqueue_revision
from configs.keys import vault
from configs.models import AgentConfig
from configs.revisions import create_revision
from configs.services import create_agent
from deployments.models import Connection, Deployment, Site
from tests.drivers import people

from .conftest import SECRET, Hers

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]

MODELS = {
    "accounts_user": "alice",
    "audit_auditevent": "event",
    "builds_artifact": "file",
    "builds_build": "build",
    "configs_agentconfig": "agent",
    "configs_apikey": "key",
    "configs_revision": "revision",
    "deployments_connection": "connection",
    "deployments_deployment": "deployment",
    "deployments_site": "site",
    "procrastinate_procrastinatejob": "job",
}
PAGES = ("changelist", "change", "history", "delete", "add")
# Which of them are there for who operates or views: nothing is added, changed or deleted by hand.
OPEN = ("changelist", "change", "history")


def key_of(model: str, hers: Hers) -> object:
    match MODELS[model]:
        case "alice":
            return hers.agent.owner_id
        case "revision":
            return hers.build.revision_id
        case "job":
            return hers.build.job_id
        case name:
            return getattr(hers, name).pk


def url_of(model: str, page: str, hers: Hers) -> str:
    args = [] if page in ("changelist", "add") else [key_of(model, hers)]
    return reverse(f"admin:{model}_{page}", args=args)


def urls(hers: Hers) -> Iterator[tuple[str, bool]]:
    """Yield every page's URL, and whether operators and viewers see it."""
    for model in MODELS:
        for page in PAGES:
            yield url_of(model, page, hers), page in OPEN
    yield reverse("admin:builds_build_log", args=[hers.build.pk]), True
    yield reverse("admin:index"), True
    yield reverse("admin:jsi18n"), True
    for label in {model.partition("_")[0] for model in MODELS}:
        yield reverse("admin:app_list", args=[label]), True


def text(response: HttpResponseBase) -> str:
    return b"".join(response).decode("utf-8", "replace")


def test_every_model_of_the_administration_is_listed() -> None:
    registered = {f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry}
    assert registered == MODELS.keys()


def test_anonymous_people_are_sent_to_sign_in(hers: Hers) -> None:
    for url, _ in urls(hers):
        response = Client().get(url)
        assert (response.status_code, response.headers["Location"]) == (302, f"/sign-in/?next={url}")
        assert Client().get(url, headers={"Accept": "application/json"}).status_code == 401


def test_others_are_refused(hers: Hers, client_of: ClientOf, alice: User, bob: User) -> None:
    for user in (alice, bob):
        client = client_of(user)
        for url, _ in urls(hers):
            response = client.get(url)
            assert response.status_code == 403, url
            # As a word: a random token may hold these letters.
            assert not re.search(r"\bAda\b", text(response))


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_operators_and_viewers(role: str, hers: Hers, request: pytest.FixtureRequest) -> None:
    client: Client = request.getfixturevalue(role)
    for url, is_open in urls(hers):
        response = client.get(url, follow=url.endswith("/history/"))
        assert response.status_code == (200 if is_open else 403), url
        assert SECRET not in text(response)
    for model in MODELS:
        url = url_of(model, "change", hers)
        assert client.post(url, {"email": "mallory@example.com"}).status_code == 403, url


def test_no_list_counts_the_rows_of_each_choice_of_its_filters(hers: Hers, operator: Client) -> None:
    for model in MODELS:
        with CaptureQueriesContext(connection) as queries:
            operator.get(f"{url_of(model, 'changelist', hers)}?_facets=True")
        assert not [query["sql"] for query in queries if "FILTER (WHERE" in query["sql"]]


def test_a_key_is_in_no_page_and_no_row_of_the_log(hers: Hers, operator: Client) -> None:
    vault.reveal(hers.key, "a test")
    ciphertext = bytes(hers.key.ciphertext).decode()
    pages = [text(operator.get(url)) for url, is_open in urls(hers) if is_open]
    searched = ("configs/apikey", "audit/auditevent")
    pages += [text(operator.get(f"/admin/{path}/?q=openai")) for path in searched]
    pages += [str(list(AuditEvent.objects.values()))]
    for page in pages:
        assert SECRET not in page
        assert ciphertext not in page
        assert ciphertext[:24] not in page
    assert hers.key.fingerprint in text(operator.get("/admin/configs/apikey/"))


def test_the_history_of_a_row_is_what_the_log_says_of_it(hers: Hers, operator: Client) -> None:
    response = operator.get(url_of("configs_apikey", "history", hers), follow=True)
    assert [event.action for event in response.context["cl"].result_list] == ["key-saved"]


def test_logs_are_read_by_operators_and_their_owner_sees_that(
    hers: Hers, viewer: Client, client_of: ClientOf, alice: User
) -> None:
    log = text(viewer.get(reverse("admin:builds_build_log", args=[hers.build.pk])))
    assert "out hello from the compiler\n" in log
    assert "Build log read by an operator" in text(client_of(alice).get("/activity/?kind=operators"))


@pytest.mark.parametrize("model", MODELS)
def test_lists_cost_the_same_however_long(model: str, hers: Hers, operator: Client) -> None:
    url = reverse(f"admin:{model}_changelist")
    operator.get(url)
    with CaptureQueriesContext(connection) as few:
        operator.get(url)
    lengthen(hers)
    with CaptureQueriesContext(connection) as many:
        operator.get(url)
    assert len(many) <= len(few)


def lengthen(hers: Hers) -> None:
    for number in range(3):
        user = people.make_user(f"user{number}")
        vault.save_key(user, "openai", SECRET)
        agent = create_agent(AgentConfig(owner=user, name="Eve", handle="eve", provider="local", model="x"))
        build = enqueue_revision(create_revision(agent), by=user)
        Artifact.objects.create(owner=user, build=build, name="x", sha256="0" * 64, size=1)
        key = vault.save_key(user, "netlify", SECRET)
        Connection.objects.create(owner=user, host="netlify", key=key, who=f"Eve {number}")
        site = Site.objects.create(
            owner=user, agent=build.revision.agent, remote_id="s", name=f"s{number}", url="https://s.example"
        )
        Deployment.objects.create(owner=user, site=site, build=build, revision=build.revision)


def test_sign_in_and_out_are_the_forges_own(operator: Client) -> None:
    here = Client().get("/admin/login/?next=/admin/builds/")
    assert here.headers["Location"] == "/sign-in/?next=/admin/builds/"
    elsewhere = Client().get("/admin/login/?next=https://example.com/")
    assert elsewhere.headers["Location"] == "/sign-in/?next=/admin/"
    assert operator.get("/admin/password_change/").headers["Location"] == "/accounts/password/"
    assert operator.post("/admin/logout/").headers["Location"] == "/sign-in/"
    assert operator.get("/admin/").status_code == 302


def test_pages_speak_of_what_people_know(operator: Client, hers: Hers) -> None:
    Artifact.objects.filter(pk=hers.file.pk).update(size=12_421_176)
    hers.agent.traits = ["curious", "patient"]
    hers.agent.save()
    pages = {path: text(operator.get(path)) for path, seen in urls(hers) if seen}
    of_programs = (
        r"Api key|Agent config|rocrastinate (job|event)s?\b|>Procrastinate<|Artifacts?\b|Select \w+ to "
    )
    of_programs += r"|Configs|\[&quot;|\[&#x27;|\{&quot;|\b12421176\b"
    for path, page in pages.items():
        # A revision shows the very document that is compiled.
        if path.endswith(("/log/", "/jsi18n/")) or path == url_of("configs_revision", "change", hers):
            continue
        seen = re.sub(r"<(script|style)\b.*?</\1>", "", page, flags=re.DOTALL)
        assert (found := re.search(of_programs, seen)) is None, f"{path}: {found}"
    assert "12.4 MB" in pages[url_of("builds_artifact", "changelist", hers)]
    assert "curious, patient" in pages[url_of("configs_agentconfig", "change", hers)]

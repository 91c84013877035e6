"""No request holds a database connection while it hashes, sleeps, or speaks to anybody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.core.cache import cache
from django.urls import reverse

from agentforge.accounts.identity import local_mail
from agentforge.accounts.models import User
from builds.artifacts import storage
from builds.models import Artifact, ChatMessage, Conversation
from configs.keys.vault import save_key
from deployments.hosts.netlify import api
from deployments.models import Connection, Deployment, Site
from tests.drivers import people
from tests.drivers.slow_work import SlowWorkClient, slow_work_noted
from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of
from tests.test_access_matrix import CLOSED_PORT, MATRIX, Hers, ask, hers

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "correct horse battery"

__all__ = ["hers"]


@dataclass(frozen=True)
class Act:
    """A request that does something slow: a URL's name, arguments as in the access matrix, and a form."""

    name: str
    args: Mapping[str, str]
    data: Mapping[str, Any]
    method: str = "post"


_AGENT, _KEY = {"pk": "agent"}, {"pk": "agent", "provider": "openai"}
_SITE, _DEPLOYMENT = {"pk": "site"}, {"pk": "deployment"}
_NEW_KEY = {"key": "sk-0123456789abcdef", "name": "Second"}
ACTS = [
    Act("accounts:sign_in", {}, {"email": "alice@example.com", "password": PASSWORD}),
    Act("accounts:sign_in", {}, {"email": "nobody@example.com", "password": PASSWORD}),
    Act("accounts:sign_up", {}, {"email": "eve@example.com", "password": PASSWORD}),
    Act("accounts:password", {}, {"current": PASSWORD, "password": "another horse battery"}),
    Act("accounts:email", {}, {"email": "new@example.com", "current": PASSWORD}),
    Act("configs:key_save", _KEY, _NEW_KEY),
    Act("configs:key_add", _KEY, _NEW_KEY),
    Act("configs:key_test", _KEY, {}),
    Act("configs:key_test", {"pk": "agent", "provider": "local"}, {}),
    Act("configs:stored_key_add", {"provider": "openai"}, _NEW_KEY),
    Act("configs:stored_key_replace", {"pk": "key"}, _NEW_KEY),
    Act("configs:stored_key_test", {"pk": "key"}, {}),
    Act("configs:keys", _AGENT, {}, "get"),
    Act("configs:new", {}, {}, "get"),
    Act("builds:compile", _AGENT, {"targets": "plugin"}),
    Act("deployments:connect", _AGENT, {"token": "nfp_0123456789abcdefghij"}),
    Act("deployments:recheck", _AGENT, {}),
    Act("deployments:remote_sites", _AGENT, {}, "get"),
    Act("deployments:create_site", _AGENT, {"name": "ada-online", "team": "", "host": "netlify"}),
    Act("deployments:choose_site", _AGENT, {"site": "another", "host": "netlify"}),
    Act("deployments:settings", _AGENT, {"access": "password", "password": PASSWORD, "greeting": ""}),
    Act("deployments:site_refresh", _SITE, {}),
    Act("deployments:site_lock", _SITE, {}),
    Act("deployments:site_unlock", _SITE, {}),
    Act("deployments:site_delete", _SITE, {"name": "s"}),
    Act("deployments:publish", _DEPLOYMENT, {}),
    Act("deployments:delete", _DEPLOYMENT, {}),
]
# They ask the local model, unless its last answer is still fresh.
READS_A_CACHE = ("configs:keys", "configs:new", "builds:compile")


@pytest.fixture(autouse=True)
def noted() -> Iterator[None]:
    with slow_work_noted():
        yield


@pytest.fixture
def all_hers(hers: Hers, alice: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> Hers:
    """Give alice a password and an account at Netlify too, where nobody answers."""
    settings.AGENTFORGE_NETLIFY_URL = CLOSED_PORT
    settings.LOCAL_MODEL = True
    settings.RATE_LIMITS = {}
    monkeypatch.setattr(api, "FIRST_DELAY", 0.001)
    people.set_password(alice, PASSWORD)
    Connection.objects.create(owner=alice, host="netlify", key=save_key(alice, "netlify", "nfp_0123456789"))
    Site.objects.update(host="netlify")
    Deployment.objects.update(remote_id="d", access="public")
    return hers


def client_of(user: User | None) -> SlowWorkClient:
    client = SlowWorkClient()
    if user is not None:
        people.sign_in(client, user)
    return client


def url_of(act: Act, hers: Hers) -> str:
    return reverse(act.name, kwargs={key: getattr(hers, value, value) for key, value in act.args.items()})


@pytest.mark.parametrize("act", ACTS, ids=lambda act: f"{act.name} {act.args.get('provider', '')}")
def test_slow_work_holds_no_connection(act: Act, all_hers: Hers, alice: User) -> None:
    client = client_of(None if act.name.startswith("accounts:sign_") else alice)
    response = getattr(client, act.method)(url_of(act, all_hers), act.data)
    assert response.status_code < 500
    assert client.seen or act.method == "get" or act.name == "builds:compile", response.content.decode()[
        -2000:
    ]
    assert client.held == []


def test_a_new_password_by_mail_holds_none(all_hers: Hers) -> None:
    client, token = client_of(None), local_mail.recovery_token("alice@example.com")
    assert (
        client.post(reverse("accounts:reset", args=[token]), {"password": "a third horse"}).status_code == 302
    )
    assert client.seen
    assert client.held == []


def test_no_page_holds_a_connection_over_slow_work(all_hers: Hers, alice: User) -> None:
    held = {}
    for name, row in MATRIX.items():
        if not row.supabase:
            client = client_of(alice)
            # What another page learned a moment ago spares it the work.
            cache.clear()
            ask(client, name, all_hers).close()
            held[name] = client.held
    assert {name: work for name, work in held.items() if work} == {}


@pytest.mark.parametrize("name", ["draft_send", "message_resend", "message_regenerate"])
def test_no_question_to_the_draft_does(name: str, all_hers: Hers, alice: User) -> None:
    place = Conversation.objects.create(owner=alice, agent_id=all_hers.agent, source="draft", title="Whales?")
    asked = {"owner": alice, "agent_id": all_hers.agent, "source": "draft", "conversation": place}
    question = ChatMessage.objects.create(**asked, role="user", content="Whales?")
    answer = ChatMessage.objects.create(**asked, role="assistant", content="They sing.")
    of = {"message_resend": question, "message_regenerate": answer}
    args = [all_hers.agent, *([of[name].pk] if name in of else [])]
    # The local model's last answer is no longer fresh.
    cache.clear()
    client = client_of(alice)
    assert client.post(reverse(f"builds:{name}", args=args), {"content": "Again?"}).status_code < 500
    assert client.seen
    assert client.held == []


def test_no_page_of_the_administration_does(all_hers: Hers, olga: User) -> None:
    held = {}
    for model in admin.site._registry:
        client = client_of(olga)
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        assert client.get(reverse(f"{name}_changelist")).status_code == 200
        held[name] = client.held
    assert {name: work for name, work in held.items() if work} == {}


def test_no_download_from_a_shared_storage_does(
    all_hers: Hers, alice: User, settings: LazySettings, tmp_path: Path
) -> None:
    with SupabaseStorageStandIn() as service:
        settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(service)}
        settings.VAR_DIR = tmp_path
        file = Artifact.objects.get()
        file.sha256 = storage.put(b"content")
        file.save()
        storage.path_of(file.sha256).unlink()
        client = client_of(alice)
        assert client.get(reverse("builds:download", args=[file.build_id])).status_code == 200
        assert client.get(reverse("builds:file", args=[file.build_id, file.name])).status_code == 302
        assert client.seen
        assert client.held == []

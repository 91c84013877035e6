"""Protection and limits belong to the act: every page, script and token that leads to it meets them."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks
from django.test import Client

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import RULES
from configs.models import AgentConfig, ApiKey, ProcessRun
from deployments.models import Connection, Deployment
from tests.drivers import people
from tests.drivers.forge import ROOT
from tests.tenancy.test_slow_work import ACTS, PASSWORD, Act, all_hers, url_of
from tests.test_access_matrix import Hers, hers

pytestmark = pytest.mark.django_db
__all__ = ["all_hers", "hers"]

JSON = {"Accept": "application/json"}
_AGENT, _KEY = {"pk": "agent"}, {"pk": "agent", "provider": "openai"}
_SITE, _DEPLOYMENT = {"pk": "site"}, {"pk": "deployment"}
_NO_FALLBACK = {"fallback_provider": "", "fallback_model": ""}
_SIDES = {
    "yours": json.dumps({"provider": "openai", "api_key": None, "model": "m", **_NO_FALLBACK}),
    "base": json.dumps({"provider": "local", "api_key": None, "model": "m", **_NO_FALLBACK}),
    "choose_provider": "yours",
}
# They protect no account by a second factor: nobody is signed in yet, or nothing is used, read or changed.
_FREE = ("accounts:sign_in", "accounts:sign_up", "configs:new", "builds:compile")
MORE_ACTS = [
    Act("accounts:api_tokens", {}, {"name": "Script", "scope": "read", "days": "30"}),
    Act("accounts:export", {}, {}, "get"),
    Act("accounts:email", {}, {"email": "new@example.com", "current": PASSWORD}),
    Act("configs:process", _AGENT, {}),
    Act("configs:resolve", {**_AGENT, "tab": "keys"}, _SIDES),
    Act("configs:keys", _AGENT, {"provider": "openai", "model": "m"}),
    Act("configs:key_remove", _KEY, {}),
    Act("configs:stored_key_rename", {"pk": "key"}, {"name": "Another"}),
    Act("configs:stored_key_remove", {"pk": "key"}, {}),
    Act("configs:duplicate", _AGENT, {}),
    Act("builds:send", _AGENT, {"content": "Hello"}),
    Act("deployments:start", _AGENT, {"build": "build"}),
    Act("deployments:retry", _DEPLOYMENT, {}),
    Act("deployments:authorize", _AGENT, {}),
    Act("deployments:authorized", {}, {"code": "c", "state": "s"}, "get"),
    Act("deployments:disconnect", _AGENT, {}),
]
PROTECTED = [
    act
    for act in [*ACTS, *MORE_ACTS]
    if act.name not in _FREE
    and (act.method, act.name) != ("get", "configs:keys")
    # The operator's own model takes no key.
    and act.args.get("provider") != "local"
]


def send(client: Client, act: Act, hers: Hers, **headers: str) -> Any:
    data = {name: getattr(hers, value, value) for name, value in act.data.items()}
    return getattr(client, act.method)(url_of(act, hers), data, headers=headers)


def owned() -> list[Any]:
    keys = list(ApiKey.objects.order_by("pk").values_list("pk", "name", "status", "ciphertext"))
    agents = AgentConfig.objects.order_by("pk").values_list("pk", "provider", "api_key")
    return [
        [(pk, name, status, bytes(ciphertext)) for pk, name, status, ciphertext in keys],
        list(agents),
        list(Connection.objects.values_list("pk", "problem")),
        list(Deployment.objects.values_list("pk", "status")),
    ]


@pytest.fixture
def weak(all_hers: Hers, alice: User, settings: LazySettings) -> Client:
    """The browser of somebody who knows alice's password and lacks her second factor."""
    settings.SECOND_FACTOR_PATHS = []
    settings.NETLIFY_CLIENT_ID = settings.NETLIFY_CLIENT_SECRET = "registered"
    AgentConfig.objects.update(api_key=ApiKey.objects.get(provider="openai"))
    User.objects.filter(pk=alice.pk).update(has_second_factor=True)
    client = Client()
    people.sign_in(client, alice)
    return client


@pytest.mark.parametrize("act", PROTECTED, ids=lambda act: f"{act.method} {act.name}")
def test_each_act_asks_for_the_second_factor(act: Act, weak: Client, all_hers: Hers, alice: User) -> None:
    before = owned()
    page = send(weak, act, all_hers)
    assert (page.status_code, page["Location"].partition("?")[0]) == (302, "/accounts/second-factor/")
    assert send(weak, act, all_hers, **JSON).status_code == 403
    script = send(Client(), act, all_hers, **JSON, Authorization=people.bearer_of(alice))
    assert script.status_code == 403
    assert "needs your second factor" in script.json()["detail"]
    assert owned() == before


def test_operators_choose_the_acts(weak: Client, all_hers: Hers, settings: LazySettings) -> None:
    settings.SECOND_FACTOR_ACTS = ["account"]
    assert send(weak, Act("configs:process", _AGENT, {}), all_hers, **JSON).status_code == 202
    settings.SECOND_FACTOR_ACTS = ["keys", "cats"]
    [error] = [each for each in run_checks() if each.id == "accounts.E010"]
    assert "cats" in error.msg


LIMITED = [
    ("key tests", Act("configs:process", _AGENT, {})),
    ("host requests", Act("deployments:site_refresh", _SITE, {})),
    ("host requests", Act("deployments:site_lock", _SITE, {})),
    ("host requests", Act("deployments:remote_sites", _AGENT, {}, "get")),
    ("host requests", Act("deployments:choose_site", _AGENT, {"site": "x", "host": "netlify"})),
    ("host requests", Act("deployments:settings", _AGENT, {"access": "public"})),
    ("deployments", Act("deployments:publish", _DEPLOYMENT, {})),
    ("builds", Act("builds:verify", {"pk": "build"}, {})),
]


@pytest.mark.parametrize(("limit", "act"), LIMITED, ids=lambda part: getattr(part, "name", part))
def test_each_act_has_its_limit(
    limit: str, act: Act, all_hers: Hers, alice: User, settings: LazySettings
) -> None:
    settings.RATE_LIMITS = {limit: 3}
    client = Client()
    people.sign_in(client, alice)
    statuses = [send(client, act, all_hers, **JSON).status_code for _ in range(6)]
    assert statuses[3:] == [429] * 3
    assert 429 not in statuses[:3]
    page = send(client, act, all_hers)
    assert page.status_code == 429
    assert f"Too many {limit}" in page.content.decode()


def test_one_limit_holds_over_all_ways_to_an_act(all_hers: Hers, alice: User, settings: LazySettings) -> None:
    settings.RATE_LIMITS = {"key tests": 2}
    client = Client()
    people.sign_in(client, alice)
    ways = [
        Act("configs:process", _AGENT, {}),
        Act("configs:key_test", _KEY, {}),
        Act("configs:stored_key_test", {"pk": "key"}, {}),
        Act("configs:process", _AGENT, {}),
    ]
    statuses = [send(client, act, all_hers, **JSON).status_code for act in ways]
    assert statuses == [202, 200, 429, 429]


def test_a_page_that_forgot_its_limit_meets_the_one_of_the_act(
    all_hers: Hers, alice: User, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from configs.views import validation

    monkeypatch.setattr(validation.process_start, "rate_limit", "")
    settings.RATE_LIMITS = {"key tests": 2}
    client = Client()
    people.sign_in(client, alice)
    act = Act("configs:process", _AGENT, {})
    assert [send(client, act, all_hers, **JSON).status_code for _ in range(4)] == [202, 202, 429, 429]
    page = send(client, act, all_hers)
    assert (page.status_code, page["Retry-After"] > "0") == (429, True)
    assert "Too many key tests" in page.content.decode()


def test_compiling_tests_keys_within_their_limit(all_hers: Hers, alice: User, settings: LazySettings) -> None:
    settings.RATE_LIMITS = {"key tests": 2}
    AgentConfig.objects.update(provider="openai", model="m")
    client = Client()
    people.sign_in(client, alice)
    act = Act("builds:compile", _AGENT, {"targets": "plugin"})
    statuses = []
    for _ in range(4):
        # A tab that passed would not be checked again.
        ProcessRun.objects.all().delete()
        statuses.append(send(client, act, all_hers, **JSON).status_code)
    assert statuses[2:] == [429, 429]
    assert 429 not in statuses[:2]


# Calls that use, store or delete a secret, reach another server or enqueue work: only acts make them.
PRIMITIVES = {
    "outbound.fetch",
    "_decrypt",
    "box().encrypt",
    "ApiKey.objects.update_or_create",
    "key.delete",
    "TOKEN_HOSTS[code]",
    "auth.update_user",
    "auth.unlink_identity",
    "ApiToken.objects.create",
    "passwords.encode",
    "hash_password",
    "jobs.defer",
    "jobs.defer_build",
    "shares.defer",
    "task.defer",
    "auth.admin.delete_user",
    "user.delete",
}
# Callers that ask nothing of anybody themselves, and why.
UNASKED = {
    "agentforge/accounts/identity/local.py LocalIdentityService.sign_up": "nobody is signed in yet",
    "agentforge/accounts/identity/local.py LocalIdentityService.sign_in_anonymously": "no password",
    "agentforge/accounts/identity/local.py LocalIdentityService.name_anonymous": "a guest's sign-up",
    "agentforge/accounts/identity/supabase_guests.py _name": "a guest's sign-up",
    "agentforge/accounts/deletion.py delete_here": "part of delete, and of the end of a visit",
    "agentforge/accounts/identity/local.py _nobodys_password": "a hash that nothing matches",
    "agentforge/accounts/identity/supabase.py SupabaseIdentityService._update": "part of change_password",
    "agentforge/accounts/identity/local_mail.py recover": "whoever has the mail is not signed in",
    "agentforge/accounts/identity/supabase_identities.py LinkedIdentities.delete_user": "part of delete",
    "agentforge/accounts/managers.py LocalIdentityManager.set_password": "an operator's command",
    "builds/builder/job_store.py enqueue": "a builder, for its forge's signed request",
    "builds/execution/transitions.py requeue": "the recovery of an act",
    "builds/operations/bulk_actions.py _expire": "for operators, behind the administration",
    "builds/queue/fairness.py defer_over_limit": "a worker, for builds that were asked for",
    "builds/queue/fairness.py promote_next": "a worker, for builds that were asked for",
    "builds/queue/jobs.py defer_build": "part of enqueue_revision",
    "builds/trial/chat.py _enqueue": "part of ask and ask_ready_draft",
    "builds/remote/client.py call": "between a forge and its builders, signed",
    "configs/keys/vault.py is_readable": "shows whether a key can be read, not the key",
    "configs/keys/vault.py values_to_redact": "redaction in workers",
    "configs/keys/verification.py _enqueue_test": "part of enqueue_tests, and of the schedule",
    "configs/knowledge/files.py enqueue_reading": "part of add_file, of restore and of recovery",
    "configs/providers/http.py Question._fetch": "part of a key test",
    "configs/tools/mcp_listing.py _Connection._send": "part of a test of a server, which is an act",
    "configs/tools/agent_card.py _fetch": "part of a test of another agent, which is an act",
    "configs/tools/web_search.py _ask": "part of a test of a search, which is an act",
    "configs/views/api_services.py _fetched": "part of _document, which is an act",
    "deployments/accounts/oauth.py _exchange": "behind redeem",
    "deployments/hosts/content_marker.py fetch_marker": "a worker, for a deployment that was asked for",
    "deployments/sites/answers.py ask_server": "behind host_for: the own server of a site",
    "deployments/hosts/netlify/api.py Api._send": "behind host_for and connect",
    "deployments/hosts/netlify/api.py Api._upload": "behind host_for and connect",
    "deployments/services.py enqueue_locked": "part of enqueue, and of a plan that was an act",
    "deployments/run/jobs.py defer": "part of enqueue",
    "deployments/run/transitions.py requeue": "the recovery of an act",
}


def callers() -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, set[str]]]:
    """Yield each function of the product that calls a primitive, with the primitives."""
    for room in ("agentforge", "builds", "configs", "deployments"):
        for path in sorted((ROOT / room).rglob("*.py")):
            if "migrations" not in path.parts:
                yield from _callers_in(path)


def _callers_in(path: Path) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, set[str]]]:
    tree = ast.parse(path.read_text())
    bodies: list[tuple[str, list[ast.stmt]]] = [("", tree.body)]
    bodies += [(f"{each.name}.", each.body) for each in tree.body if isinstance(each, ast.ClassDef)]
    for prefix, body in bodies:
        for function in body:
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                calls = {ast.unparse(n.func) for n in ast.walk(function) if isinstance(n, ast.Call)}
                if used := calls & PRIMITIVES:
                    yield f"{path.relative_to(ROOT)} {prefix}{function.name}", function, used


def is_act(function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Return whether a function asks of its performer what its act needs."""
    if any(ast.unparse(each).startswith("performs(Act.") for each in function.decorator_list):
        return True
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return any(ast.unparse(call).startswith("require(Act.") for call in calls)


def test_whoever_uses_a_secret_or_asks_another_server_is_an_act() -> None:
    unasked = {name: sorted(used) for name, function, used in callers() if not is_act(function)}
    assert {name: used for name, used in unasked.items() if name not in UNASKED} == {}
    assert set(UNASKED) - set(unasked) == set()


def test_every_act_has_a_rule_and_a_place() -> None:
    from agentforge.accounts.throttling.acts import Act as Kind

    assert set(RULES) == set(Kind)
    sources = "".join(path.read_text() for room in ("agentforge", "builds", "configs", "deployments")
                      for path in (ROOT / room).rglob("*.py"))  # fmt: skip
    for act in Kind:
        assert f"(Act.{act.name})" in sources, act

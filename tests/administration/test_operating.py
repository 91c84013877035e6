from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib import admin
from django.test import Client
from procrastinate.contrib.django.models import ProcrastinateJob

from agentforge.accounts.models import User
from agentforge.audit.models import AuditEvent
from configs.keys.verification import retest_stored
from tests.drivers import people

from .conftest import Hers

pytestmark = pytest.mark.django_db
ClientOf = Callable[[User], Client]
USERS, KEYS = "/admin/accounts/user/", "/admin/configs/apikey/"


def act(client: Client, url: str, action: str, *rows: Any) -> str:
    """Do an action with chosen rows, and return what it reports."""
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows]}
    response = client.post(url, chosen, follow=True)
    return " ".join(str(message) for message in response.context["messages"])


def status(client: Client, path: str = "/agents/") -> int:
    return client.get(path).status_code


def logged(user: User) -> list[tuple[str, str]]:
    by_operators = AuditEvent.objects.filter(owner=user, actor_label="olga@example.com").order_by("pk")
    return [(event.action, event.subject_label) for event in by_operators]


def test_disable_and_enable(operator: Client, client_of: ClientOf, alice: User, olga: User) -> None:
    browser, script = client_of(alice), Client(headers={"Authorization": people.bearer_of(alice)})
    assert (status(browser), status(script)) == (200, 200)
    assert act(operator, USERS, "disable", alice, olga) == (
        "Disabled: 1. Left as they were: 1 (already disabled, or your own account)."
    )
    assert (status(browser), status(script)) == (302, 401)
    assert act(operator, USERS, "enable", alice) == "Enabled: 1."
    # Those sessions stay ended; a new one is good.
    assert (status(browser), status(script), status(client_of(alice))) == (302, 401, 200)
    mail = "alice@example.com"
    assert logged(alice) == [("account-disabled", mail), ("sessions-ended", mail), ("account-enabled", mail)]
    assert status(operator, "/admin/") == 200


def test_sign_people_out(operator: Client, client_of: ClientOf, alice: User, bob: User) -> None:
    hers, his = client_of(alice), client_of(bob)
    assert act(operator, USERS, "end_sessions", alice) == "Signed out everywhere: 1."
    assert (status(hers), status(his)) == (302, 200)


def test_roles_of_local_accounts(operator: Client, client_of: ClientOf, alice: User, olga: User) -> None:
    hers = client_of(alice)
    assert status(hers, "/admin/") == 403
    assert act(operator, USERS, "make_viewer", alice) == "Now viewer: 1."
    assert status(hers, "/admin/") == 200
    assert act(hers, USERS, "make_operator", alice) == ""
    assert act(operator, USERS, "make_operator", alice, olga) == (
        "Now operator: 1. Left as they were: 1 (already so, or your own account)."
    )
    assert act(hers, USERS, "take_role", alice, olga).startswith("Now without a role: 1.")
    assert (status(hers, "/admin/"), status(operator, "/admin/")) == (200, 403)
    changed = AuditEvent.objects.filter(owner=alice, action="role-changed").order_by("pk")
    assert [event.detail["role"] for event in changed] == ["viewer", "operator"]


def test_with_supabase_roles_are_not_given_here(operator: Client, settings: LazySettings) -> None:
    assert "make_operator" in operator.get(USERS).content.decode()
    request = operator.get(USERS).wsgi_request
    settings.SUPABASE_URL = "https://project.supabase.co"
    actions = admin.site.get_model_admin(User).get_actions(request)
    assert set(actions) == {"disable", "enable", "end_sessions"}


def test_test_a_key_again(operator: Client, hers: Hers) -> None:
    assert act(operator, KEYS, "test_again", hers.key) == "Tests enqueued: 1."
    assert act(operator, KEYS, "test_again", hers.key) == (
        "Tests enqueued: 0. Left as they were: 1 (one is already waiting)."
    )
    [job] = ProcrastinateJob.objects.filter(task_name="configs.test_key")
    retest_stored(**job.args)
    hers.key.refresh_from_db()
    assert hers.key.status == "unreachable"
    assert [action for action, _ in logged(hers.key.owner)] == ["key-test-asked"]


@pytest.mark.parametrize("action", ["disable", "end_sessions", "make_operator", "delete_selected"])
def test_viewers_do_nothing(
    action: str, viewer: Client, client_of: ClientOf, alice: User, hers: Hers
) -> None:
    browser = client_of(alice)
    before = AuditEvent.objects.count()
    act(viewer, USERS, action, alice)
    act(viewer, KEYS, "test_again", hers.key)
    assert status(browser) == 200
    assert AuditEvent.objects.count() == before
    assert not ProcrastinateJob.objects.filter(task_name="configs.test_key").exists()


@pytest.mark.parametrize("action", ["retry", "cancel", "abort", "delete_selected"])
def test_jobs_are_only_looked_at(action: str, operator: Client, hers: Hers) -> None:
    url = "/admin/procrastinate/procrastinatejob/"
    job = ProcrastinateJob.objects.get(pk=hers.build.job_id)
    act(operator, url, action, job)
    job.refresh_from_db()
    assert (job.status, job.abort_requested) == ("todo", False)


def test_filters_and_search(operator: Client, hers: Hers, bob: User) -> None:
    def found(path: str) -> int:
        response = operator.get(f"/admin/{path}")
        assert response.status_code == 200, path
        return int(response.context["cl"].result_count)

    assert found("accounts/user/?q=alice") == 1
    assert found(f"accounts/user/?q={bob.pk}") == 1
    assert found("accounts/user/?q=nobody") == 0
    assert found("accounts/user/?is_active__exact=0") == 0
    assert found("configs/apikey/?provider=openai") == 1
    assert found("configs/apikey/?status__exact=valid") == 0
    assert found("audit/auditevent/?kind=agents") == 1
    assert found("audit/auditevent/?action__exact=build-asked") == 1
    assert found("audit/auditevent/?q=alice") > 1
    assert found(f"builds/build/?q={hers.build.pk}") == 1
    assert found("builds/build/?q=Ada") == 1
    assert found("builds/build/?status__exact=failed") == 0
    assert found(f"builds/build/?revision__agent__id__exact={hers.agent.pk}") == 1
    assert found(f"builds/build/?owner__id__exact={bob.pk}") == 0
    assert found("procrastinate/procrastinatejob/?q=builds.compile") == 1


def test_counts(operator: Client, hers: Hers, alice: User) -> None:
    [row] = operator.get(f"{USERS}?q=alice").context["cl"].result_list
    assert (row.agent_count, row.build_count) == (1, 1)
    page = operator.get(f"{USERS}{alice.pk}/change/").content.decode()
    assert f"/admin/configs/apikey/?owner__id__exact={alice.pk}" in page

from __future__ import annotations

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from agentforge.accounts.models import LocalIdentity, LocalSession, User
from tests.drivers import people

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def create(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    call_command("createsuperuser", "--noinput", email="Olga@example.com", verbosity=0)


def test_a_first_operator_can_sign_in(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    create(monkeypatch)
    olga = User.objects.get()
    assert (olga.email, olga.is_staff, olga.is_superuser) == ("olga@example.com", True, True)
    assert not olga.has_usable_password()
    response = client.post("/sign-in/", {"email": "olga@example.com", "password": PASSWORD})
    assert response.status_code == 302
    assert User.objects.get() == olga


def test_an_account_that_somebody_made_beforehand_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    squatter = Client()
    squatter.post("/sign-up/", {"email": "olga@example.com", "password": "the squatter's own"})
    identity = LocalIdentity.objects.get()
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    create(monkeypatch)
    assert User.objects.get().pk == identity.pk
    given = {"email": "olga@example.com", "password": "the squatter's own"}
    assert squatter.post("/sign-in/", given).status_code == 422
    assert not LocalSession.objects.exists()


def test_an_existing_user_is_not_promoted_by_accident(monkeypatch: pytest.MonkeyPatch) -> None:
    people.make_user("olga")
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", PASSWORD)
    with pytest.raises(CommandError, match="already taken"):
        call_command("createsuperuser", "--noinput", email="olga@example.com")


def test_an_existing_account_becomes_an_operators_on_demand(alice: User, client: Client) -> None:
    call_command("operator", "Alice@example.com", verbosity=0)
    people.sign_in(client, alice)
    assert client.get("/admin/").status_code == 200


def test_a_missing_account_is_created(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = iter([PASSWORD, PASSWORD])
    monkeypatch.setattr("getpass.getpass", lambda *prompt: next(typed))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    call_command("operator", "olga@example.com")
    assert User.objects.get(email="olga@example.com").is_superuser
    with pytest.raises(CommandError, match="make admin EMAIL"):
        call_command("operator", " ")


def test_without_a_terminal_no_account_is_claimed_to_be_made() -> None:
    with pytest.raises(CommandError, match=r"has no account\. Sign up with it, or run this in a terminal"):
        call_command("operator", "olga@example.com")
    assert not User.objects.exists()

"""A password is the same however a keyboard composes its characters, in sign-ins of the local service."""

from __future__ import annotations

import pytest
from django.contrib.auth.hashers import make_password
from django.test import Client

from agentforge.accounts.models import LocalIdentity
from tests.drivers.pages import shown

COMPOSED, DECOMPOSED, WIDE = (
    "caf\u00e9 cr\u00e8me 12",
    "cafe\u0301 cre\u0300me 12",
    "caf\u00e9 cr\u00e8me \uff11\uff12",
)
EMAIL = "ada@example.com"

pytestmark = pytest.mark.django_db


def sign_in(password: str) -> bool:
    response = Client().post("/sign-in/", {"email": EMAIL, "password": password})
    return response.status_code == 302


@pytest.mark.parametrize("chosen", [COMPOSED, DECOMPOSED, WIDE])
def test_every_form_of_a_password_signs_in(chosen: str) -> None:
    assert Client().post("/sign-up/", {"email": EMAIL, "password": chosen}).status_code == 302
    assert [sign_in(form) for form in (COMPOSED, DECOMPOSED, WIDE)] == [True] * 3
    assert not sign_in("cafe creme 12")


@pytest.mark.parametrize("stored", [COMPOSED, DECOMPOSED, WIDE])
def test_an_older_hash_still_works_and_is_renewed(stored: str) -> None:
    Client().post("/sign-up/", {"email": EMAIL, "password": "something else 12"})
    LocalIdentity.objects.update(password=make_password(stored))
    assert sign_in(stored)
    assert [sign_in(form) for form in (COMPOSED, DECOMPOSED, WIDE)] == [True] * 3


@pytest.mark.parametrize("typed", [COMPOSED, DECOMPOSED])
def test_an_older_hash_works_from_another_keyboard(typed: str) -> None:
    Client().post("/sign-up/", {"email": EMAIL, "password": "something else 12"})
    other = DECOMPOSED if typed == COMPOSED else COMPOSED
    LocalIdentity.objects.update(password=make_password(other))
    assert sign_in(typed)


def test_a_changed_password_is_the_same_in_every_form(client: Client) -> None:
    client.post("/sign-up/", {"email": EMAIL, "password": DECOMPOSED})
    changed = client.post("/accounts/password/", {"current": COMPOSED, "password": f"{DECOMPOSED} new"})
    assert changed.status_code == 302
    assert sign_in(f"{COMPOSED} new")


def test_a_refusal_says_that_a_password_is_to_be_typed_again(client: Client) -> None:
    page = shown(client.post("/sign-up/", {"email": "ada", "password": COMPOSED}))
    assert "What you typed is kept below, except secrets; nothing was saved." in page
    assert 'value="ada"' in page
    assert COMPOSED not in page

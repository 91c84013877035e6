from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.accounts import tokens
from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import User
from tests import people

from . import forgery


class _Project(LocalIdentityService):
    """An identity service whose published keys are the forger's."""

    issuer = forgery.ISSUER

    class _Keys:
        def jwk(self, kid: str) -> dict[str, Any] | None:
            return forgery.PUBLISHED.get(kid)

    keys = _Keys()


def verify(token: str) -> tokens.Claims:
    return tokens.verify(token, service=_Project())


@pytest.mark.parametrize("name", forgery.corpus())
def test_every_forgery_is_refused_in_the_same_words(name: str) -> None:
    with pytest.raises(tokens.InvalidToken) as caught:
        verify(forgery.corpus()[name])
    assert str(caught.value) == "The access token is not valid."
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_good_tokens_of_both_algorithms_pass() -> None:
    assert verify(forgery.token())["sub"] == forgery.SUBJECT
    assert verify(forgery.token(key=forgery.RSA_KEY, alg="RS256", kid="rsa"))["sub"] == forgery.SUBJECT


def test_clocks_may_differ_by_seconds() -> None:
    now = int(time.time())
    assert verify(forgery.token(forgery.claims(exp=now - 3, iat=now - 3600, nbf=now + 3)))


def test_a_header_that_names_a_key_is_ignored_when_the_good_key_signed() -> None:
    assert verify(forgery.token(jku="https://attacker.example/jwks.json"))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(tokens.InvalidToken):
        verify(text)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    good = bytearray(forgery.token().encode())
    place %= len(good) - 1  # the last letter has bits that mean nothing
    good[place] = (good[place] + change) % 256
    with pytest.raises(tokens.InvalidToken):
        verify(good.decode("latin-1"))


def test_the_local_service_issues_what_verifies(alice: User) -> None:
    claims = tokens.verify(people.tokens_of(alice).access_token)
    assert claims["sub"] == str(alice.pk)
    assert claims["aal"] == "aal1"
    assert claims["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert claims["exp"] - claims["iat"] == 3600

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agentforge.accounts.identity.local import LocalIdentityService
from agentforge.accounts.models import User
from agentforge.accounts.sessions import tokens
from tests.drivers import people

from . import forged_tokens


class _Project(LocalIdentityService):
    """An identity service whose published keys are the forger's."""

    issuer = forged_tokens.ISSUER

    class _Keys:
        def jwk(self, kid: str) -> dict[str, Any] | None:
            return forged_tokens.PUBLISHED.get(kid)

    keys = _Keys()


def verify(token: str) -> tokens.Claims:
    return tokens.verify(token, service=_Project())


@pytest.mark.parametrize("name", forged_tokens.corpus())
def test_every_forgery_is_refused_in_the_same_words(name: str) -> None:
    with pytest.raises(tokens.InvalidToken) as caught:
        verify(forged_tokens.corpus()[name])
    assert str(caught.value) == "The access token is not valid."
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__


def test_good_tokens_of_both_algorithms_pass() -> None:
    assert verify(forged_tokens.token())["sub"] == forged_tokens.SUBJECT
    assert (
        verify(forged_tokens.token(key=forged_tokens.RSA_KEY, alg="RS256", kid="rsa"))["sub"]
        == forged_tokens.SUBJECT
    )


def test_clocks_may_differ_by_seconds() -> None:
    now = int(time.time())
    assert verify(forged_tokens.token(forged_tokens.claims(exp=now - 3, iat=now - 3600, nbf=now + 3)))


def test_a_header_that_names_a_key_is_ignored_when_the_good_key_signed() -> None:
    assert verify(forged_tokens.token(jku="https://attacker.example/jwks.json"))


@given(st.text(max_size=200) | st.binary(max_size=200).map(lambda b: b.decode("latin-1")))
def test_any_text_is_refused(text: str) -> None:
    with pytest.raises(tokens.InvalidToken):
        verify(text)


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_is_refused(place: int, change: int) -> None:
    good = bytearray(forged_tokens.token().encode())
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

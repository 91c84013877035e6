"""The stand-in of Supabase Auth, used by the real client: each flow, each refusal that matters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
import time_machine
from supabase import Client, ClientOptions, create_client
from supabase_auth.errors import AuthApiError, AuthError, AuthRetryableError, AuthWeakPasswordError

from .supabase_auth import SupabaseAuth, code_at

PASSWORD = "a long enough password"
ALICE: Any = {"email": "alice@example.com", "password": PASSWORD}
Connect = Callable[..., Client]


@pytest.fixture
def auth() -> Iterator[SupabaseAuth]:
    service = SupabaseAuth().start()
    yield service
    service.stop()


@pytest.fixture
def connect(auth: SupabaseAuth) -> Iterator[Connect]:
    """Return a function that makes a client of its own, as each browser has one."""
    opened: list[httpx.Client] = []

    def make(key: str = "", **options: Any) -> Client:
        opened.append(httpx.Client(timeout=10))
        given = {"auto_refresh_token": False, "httpx_client": opened[-1], **options}
        return create_client(auth.url, key or auth.anon_key, ClientOptions(**given))

    yield make
    for client in opened:
        client.close()


@pytest.fixture
def alice(auth: SupabaseAuth, connect: Connect) -> Client:
    """A client that is signed in."""
    auth.account(**ALICE)
    client = connect()
    client.auth.sign_in_with_password(ALICE)
    return client


def code_of(url: str) -> str:
    """Return the code that a redirect carries, of a link that a browser follows."""
    with httpx.Client(follow_redirects=False) as browser:
        while "code=" not in urlsplit(url).query or "/callback" in url:
            url = browser.get(url).headers["Location"]
    return parse_qs(urlsplit(url).query)["code"][0]


def refusal(call: Callable[[], Any]) -> str | None:
    """Return the error code of a refused call."""
    with pytest.raises(AuthError) as caught:
        call()
    return caught.value.code


def tokens_of(client: Client) -> tuple[str, str]:
    session = client.auth.get_session()
    assert session is not None
    return session.access_token, session.refresh_token


def claims_of(client: Client) -> dict[str, Any]:
    answer = client.auth.get_claims(tokens_of(client)[0])
    assert answer is not None
    return dict(answer["claims"])


def test_sign_up_is_confirmed_by_code(auth: SupabaseAuth, connect: Connect) -> None:
    client = connect()
    created = client.auth.sign_up(ALICE)
    assert created.session is None and created.user is not None
    assert refusal(lambda: client.auth.sign_in_with_password(ALICE)) == "email_not_confirmed"
    mail = auth.mail_to("alice@example.com")
    confirmed = client.auth.verify_otp({"type": "email", "email": mail.to, "token": mail.code})
    assert confirmed.session is not None
    assert claims_of(client)["amr"][0]["method"] == "otp"
    again: Any = {"type": "email", "email": mail.to, "token": mail.code}
    assert refusal(lambda: client.auth.verify_otp(again)) == "otp_expired"


def test_sign_up_without_confirmation(auth: SupabaseAuth, connect: Connect) -> None:
    auth.autoconfirm = True
    client = connect(auth.publishable_key)
    assert client.auth.sign_up(ALICE).session is not None
    assert claims_of(client)["email"] == "alice@example.com"
    assert refusal(lambda: connect().auth.sign_up(ALICE)) == "user_already_exists"


def test_sign_up_of_a_taken_address_looks_like_any(auth: SupabaseAuth, connect: Connect) -> None:
    existing = auth.account(**ALICE)
    created = connect().auth.sign_up(ALICE)
    assert created.user is not None and created.user.id != existing.id and created.user.identities == []
    assert auth.state.inbox == []


def test_a_weak_password_is_refused_with_reasons(connect: Connect) -> None:
    with pytest.raises(AuthWeakPasswordError) as caught:
        connect().auth.sign_up({"email": "a@example.com", "password": "short"})
    assert caught.value.reasons == ["length"]


@pytest.mark.parametrize("kind", ["signup", "magiclink", "recovery"])
def test_a_link_with_pkce_ends_in_a_session(kind: str, auth: SupabaseAuth, connect: Connect) -> None:
    client = connect()
    if kind == "signup":
        response: Any = {**ALICE, "options": {"email_redirect_to": "http://testserver/back"}}
        client.auth.sign_up(response)
    else:
        auth.account(**ALICE)
    if kind == "magiclink":
        client.auth.sign_in_with_otp({"email": "alice@example.com", "options": {"should_create_user": False}})
    if kind == "recovery":
        client.auth.reset_password_for_email("alice@example.com")
    code = code_of(auth.mail_to("alice@example.com").link)
    assert (
        refusal(lambda: connect().auth.exchange_code_for_session(exchange(code, "wrong")))
        == "bad_code_verifier"
    )
    assert client.auth.exchange_code_for_session(exchange(code)).session is not None
    assert claims_of(client)["amr"][0]["method"] == {"signup": "email/signup"}.get(kind, kind)


def exchange(code: str, verifier: str = "") -> Any:
    return {"auth_code": code, "code_verifier": verifier, "redirect_to": ""}


def test_a_token_hash_confirms_without_the_browser_that_asked(auth: SupabaseAuth, connect: Connect) -> None:
    connect().auth.sign_up(ALICE)
    hashed = auth.mail_to("alice@example.com").token_hash
    assert hashed.startswith("pkce_")
    answer = connect().auth.verify_otp({"type": "signup", "token_hash": hashed})
    assert answer.session is not None


def test_a_used_link_says_so_in_its_redirect(auth: SupabaseAuth, connect: Connect) -> None:
    connect().auth.sign_up(ALICE)
    link = auth.mail_to("alice@example.com").link
    code_of(link)
    target = urlsplit(httpx.get(link).headers["Location"])
    assert parse_qs(target.query)["error_code"] == ["otp_expired"]


def test_otp_makes_no_account_when_told_not_to(connect: Connect) -> None:
    response: Any = {"email": "nobody@example.com", "options": {"should_create_user": False}}
    assert refusal(lambda: connect().auth.sign_in_with_otp(response)) == "otp_disabled"


def test_mails_pause(auth: SupabaseAuth, connect: Connect) -> None:
    auth.mail_pause = 60
    client = connect()
    client.auth.sign_up(ALICE)
    with pytest.raises(AuthApiError, match=r"after \d+ seconds") as caught:
        client.auth.resend({"type": "signup", "email": "alice@example.com"})
    assert (caught.value.status, caught.value.code) == (429, "over_email_send_rate_limit")


def test_oauth_with_pkce(auth: SupabaseAuth, connect: Connect) -> None:
    client = connect()
    response: Any = {"provider": "github", "options": {"redirect_to": "http://testserver/back?state=1"}}
    code = code_of(client.auth.sign_in_with_oauth(response).url)
    answer = client.auth.exchange_code_for_session(exchange(code))
    assert answer.user is not None and answer.user.email == "octo@example.com"
    assert claims_of(client)["amr"][0]["method"] == "oauth"
    assert (
        refusal(lambda: client.auth.exchange_code_for_session(exchange(code, "x" * 43)))
        == "flow_state_not_found"
    )


def test_wrong_credentials_and_unknown_people_are_the_same(auth: SupabaseAuth, connect: Connect) -> None:
    auth.account(**ALICE)
    for email in ("alice@example.com", "nobody@example.com"):
        with pytest.raises(AuthApiError, match="Invalid login credentials") as caught:
            connect().auth.sign_in_with_password({"email": email, "password": "wrong password"})
        assert (caught.value.status, caught.value.code) == (400, "invalid_credentials")


def test_refresh_tokens_rotate(alice: Client, connect: Connect) -> None:
    first = tokens_of(alice)[1]
    second = refreshed(alice, first)
    assert second != first
    # Its owner may have missed the answer: the spent one still gets the current one.
    assert refreshed(connect(), first) == second


def test_reuse_ends_the_family(alice: Client, connect: Connect) -> None:
    start = datetime.now(UTC)
    first = tokens_of(alice)[1]
    third = refreshed(alice, refreshed(alice, first))
    with time_machine.travel(start + timedelta(seconds=60)):
        assert refusal(lambda: refreshed(connect(), first)) == "refresh_token_already_used"
    # Being revoked counts as being exchanged: the newest one was good for another reuse interval.
    with time_machine.travel(start + timedelta(seconds=120)):
        assert refusal(lambda: refreshed(connect(), third)) == "refresh_token_already_used"


def refreshed(client: Client, token: str) -> str:
    session = client.auth.refresh_session(token).session
    assert session is not None
    return session.refresh_token


@pytest.mark.parametrize(("scope", "mine", "others"), [("local", 0, 1), ("others", 1, 0), ("global", 0, 0)])
def test_sign_out(
    scope: Any, mine: int, others: int, alice: Client, connect: Connect, auth: SupabaseAuth
) -> None:
    other = connect()
    other.auth.sign_in_with_password(ALICE)
    my_token, other_token = tokens_of(alice)[0], tokens_of(other)[0]
    alice.auth.sign_out({"scope": scope})
    for token, alive in ((my_token, mine), (other_token, others)):
        if alive:
            assert other.auth.get_user(token) is not None
        else:
            assert refusal(partial(other.auth.get_user, token)) == "session_not_found"


def test_a_new_password_ends_the_other_sessions(alice: Client, connect: Connect) -> None:
    other = connect()
    other.auth.sign_in_with_password(ALICE)
    assert refusal(lambda: alice.auth.update_user({"password": PASSWORD})) == "same_password"
    alice.auth.update_user({"password": "another long password"})
    assert alice.auth.get_user() is not None
    assert refusal(other.auth.get_user) == "session_not_found"


def test_a_new_password_may_need_a_mailed_nonce(alice: Client, auth: SupabaseAuth) -> None:
    auth.needs_reauthentication = True
    assert refusal(lambda: alice.auth.update_user({"password": "another one"})) == "reauthentication_needed"
    alice.auth.reauthenticate()
    nonce = auth.mail_to("alice@example.com").code
    alice.auth.update_user({"password": "another one", "nonce": nonce})


def test_a_change_of_address_needs_both_mails(alice: Client, auth: SupabaseAuth) -> None:
    alice.auth.update_user({"email": "new@example.com"})
    for address, done in (("alice@example.com", False), ("new@example.com", True)):
        mail = auth.mail_to(address)
        answer = alice.auth.verify_otp({"type": "email_change", "token_hash": mail.token_hash})
        assert (answer.session is not None) is done
    assert claims_of(alice)["email"] == "new@example.com"


def test_second_factor(alice: Client, auth: SupabaseAuth, connect: Connect) -> None:
    other = connect()
    other.auth.sign_in_with_password(ALICE)
    enrolled = alice.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "phone"})
    assert enrolled.totp is not None and "<svg" in enrolled.totp.qr_code
    secret, factor = enrolled.totp.secret, enrolled.id
    wrong = "000000" if code_at(secret) != "000000" else "000001"
    assert refusal(lambda: pass_factor(alice, factor, wrong)) == "mfa_verification_failed"
    pass_factor(alice, factor, code_at(secret))
    assert claims_of(alice)["aal"] == "aal2"
    assert refusal(other.auth.get_user) == "session_not_found"
    other.auth.sign_in_with_password(ALICE)
    assert refusal(lambda: other.auth.update_user({"password": "another one"})) == "insufficient_aal"
    assert refusal(lambda: other.auth.mfa.unenroll({"factor_id": factor})) == "insufficient_aal"
    alice.auth.mfa.unenroll({"factor_id": factor})
    assert alice.auth.mfa.list_factors().all == []


def pass_factor(client: Client, factor_id: str, code: str) -> None:
    client.auth.mfa.challenge_and_verify({"factor_id": factor_id, "code": code})


def test_the_gateway_asks_for_a_key(auth: SupabaseAuth, connect: Connect) -> None:
    assert httpx.get(f"{auth.auth_url}/settings").status_code == 401
    with pytest.raises(AuthApiError, match="Invalid API key"):
        connect("of another project").auth.sign_in_with_password(ALICE)
    assert httpx.get(f"{auth.auth_url}/.well-known/jwks.json").json()["keys"][0]["alg"] == "ES256"


def test_errors_have_the_form_of_the_asked_version(auth: SupabaseAuth) -> None:
    url, headers = f"{auth.auth_url}/token?grant_type=password", {"apikey": auth.anon_key}
    old = httpx.post(url, headers=headers, json=ALICE)
    assert old.json() == {
        "code": 400,
        "error_code": "invalid_credentials",
        "msg": "Invalid login credentials",
    }
    new = httpx.post(url, headers={**headers, "X-Supabase-Api-Version": "2024-01-01"}, json=ALICE)
    assert new.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert new.headers["x-sb-error-code"] == "invalid_credentials"


def test_rotated_keys(alice: Client, auth: SupabaseAuth) -> None:
    before = tokens_of(alice)[0]
    kid = auth.keys.rotate()
    assert alice.auth.get_user(before) is not None
    alice.auth.refresh_session()
    assert jwt.get_unverified_header(tokens_of(alice)[0])["kid"] == kid
    auth.keys.rotate(keep_old=False)
    assert refusal(lambda: alice.auth.get_user(before)) == "bad_jwt"


def test_down_and_gone(auth: SupabaseAuth, connect: Connect) -> None:
    auth.is_down = True
    with pytest.raises(AuthRetryableError):
        connect().auth.sign_in_with_password(ALICE)
    auth.stop()
    with pytest.raises(AuthRetryableError):
        connect().auth.sign_in_with_password(ALICE)

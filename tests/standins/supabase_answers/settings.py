"""Situations that depend on the project's settings, or on what stands behind the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.standins.supabase_auth.refresh_tokens import SignedToken
from tests.standins.supabase_auth.sessions import Hook

from .steps import nothing, person, sign_in, signed_in
from .world import PASSWORD, World

Preparation = Callable[[World], None]


def configured(prepare: Preparation = nothing, **values: Any) -> Preparation:
    """Prepare, then change settings of the project."""

    def prepare_and_configure(world: World) -> None:
        prepare(world)
        for name, value in values.items():
            setattr(world.auth, name, value)

    return prepare_and_configure


def old_session(world: World) -> None:
    signed_in(world)
    [session] = world.auth.state.sessions.values()
    session.created_at -= 3 * 86_400
    for token in world.auth.state.refresh_tokens.values():
        token.updated_at -= 3 * 86_400


def newer_session(world: World) -> None:
    signed_in(world)
    older = world.bearer, world.refresh_token
    for session in world.auth.state.sessions.values():
        session.created_at -= 60
    for token in world.auth.state.refresh_tokens.values():
        token.updated_at -= 60
    sign_in(world)
    world.bearer, world.refresh_token = older


def signed(world: World) -> None:
    """Sign in at a project with refresh tokens of version 2, and ask for other mails as recorded."""
    world.auth.refresh_token_version = 2
    person(world)
    world.post("/recover", {"email": world.email})
    sign_in(world)


def changed(world: World) -> None:
    signed(world)
    # Not the last character, of which two bits say nothing: another one can be the same token.
    head, character, last = world.refresh_token[:-2], *world.refresh_token[-2:]
    world.refresh_token = f"{head}{'A' if character != 'A' else 'B'}{last}"


def ahead(world: World) -> None:
    signed(world)
    [session] = world.auth.state.sessions.values()
    world.refresh_token = SignedToken(session.id, session.counter + 5).encode(session.key)


def locked(world: World) -> None:
    signed_in(world)
    world.auth.state.locked_sessions.update(world.auth.state.sessions)


def nonce_asked(world: World) -> None:
    old_session(world)
    assert world.call("GET", "/reauthenticate", bearer=world.bearer).status_code == 200


def anonymous(world: World) -> None:
    world.auth.anonymous_users, world.auth.autoconfirm = True, False
    world.adopt(world.post("/signup", {}))


def named(world: World) -> None:
    """Give an anonymous user a password with an address, which is not confirmed."""
    anonymous(world)
    body = {"email": f"other-{world.email}", "password": PASSWORD}
    assert world.call("PUT", "/user", body, bearer=world.bearer).status_code == 200


def anonymous_beside(world: World) -> None:
    person(world)
    anonymous(world)


REAUTHENTICATION = {"needs_reauthentication": True, "fresh_session_life": 86_400}
SLOW = Hook(500, "unexpected_failure", "Error running hook URI: pg-functions://postgres/public/tok_slow")

SETTINGS: dict[str, Preparation] = {
    "anonymous sign-up": configured(anonymous_users=True),
    **dict.fromkeys(
        (
            "anonymous user",
            "anonymous user, password without an address",
            "anonymous user, address and password",
        ),
        anonymous,
    ),
    "anonymous user, address and password, no confirmation": configured(anonymous, autoconfirm=True),
    "anonymous user, taken address": anonymous_beside,
    "anonymous user, the same password again": named,
    "password, the current one is required": configured(signed_in, needs_current_password=True),
    "password, the current one is wrong": configured(signed_in, needs_current_password=True),
    "password, the current one is right": configured(signed_in, needs_current_password=True),
    "password, reauthentication required, fresh session": configured(signed_in, **REAUTHENTICATION),
    "password, reauthentication required, old session": configured(old_session, **REAUTHENTICATION),
    "password, wrong nonce": configured(nonce_asked, **REAUTHENTICATION),
    "sign-up, disabled": configured(sign_up_disabled=True),
    "otp, unknown, sign-up disabled": configured(sign_up_disabled=True),
    "otp, unknown, sign-up disabled, create": configured(sign_up_disabled=True),
    "e-mail provider disabled: sign-in": configured(person, email_users=False),
    "e-mail provider disabled: sign-up": configured(email_users=False),
    "e-mail provider disabled: otp": configured(person, email_users=False),
    "e-mail provider disabled: recover": configured(person, email_users=False),
    "captcha: sign-in": configured(person, demands_captcha=True),
    "captcha: sign-up": configured(demands_captcha=True),
    "captcha: recover": configured(person, demands_captcha=True),
    "refresh, session over its time limit": configured(old_session, timebox=86_400),
    "refresh, session idle too long": configured(old_session, inactivity_timeout=86_400),
    "refresh, newer session of the same person (single session)": configured(
        newer_session, single_session=True
    ),
    "refresh, version 2": signed,
    "refresh, version 2, changed": changed,
    "refresh, version 2, counter ahead of the session (restored backup)": ahead,
    "sign-up, too many mails of the project": configured(autoconfirm=False, mails_left=0),
    "recover, too many mails of the project": configured(person, mails_left=0),
    "sign-up, mail server away": configured(autoconfirm=False, mail_server_away=True),
    "refresh, 120 at once with one token (40 connections): 2 of them": locked,
    "sign-up, only authorized addresses get mails": configured(
        autoconfirm=False, authorized_addresses=["team@example.com"]
    ),
    "sign-in, custom access token hook answers 403": configured(
        person, token_hook=Hook(403, "unknown", "you may not")
    ),
    "sign-in, custom access token hook takes too long": configured(person, token_hook=SLOW),
    "sign-up, before-user-created hook refuses": configured(
        sign_up_hook=Hook(400, "unknown", "only company addresses")
    ),
}

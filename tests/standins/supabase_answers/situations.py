"""What has to be there before each recorded request is sent."""

from __future__ import annotations

import uuid
from collections.abc import Callable

from tests.standins.supabase_auth.limits import RequestLimits

from .factors import FACTORS
from .mails import MAILS
from .settings import SETTINGS
from .steps import banned, deleted, ended, expired, nothing, person, signed_in
from .world import PASSWORD, World

Preparation = Callable[[World], None]


def no_key(world: World) -> None:
    world.key = None


def wrong_key(world: World) -> None:
    world.key = "of another project"


def token(text: str) -> Preparation:
    """Present a text as the refresh token."""

    def prepare(world: World) -> None:
        world.refresh_token = text

    return prepare


def spent(times: int, *, after: float = 0) -> Preparation:
    """Present a refresh token that was exchanged `times` before, the last time `after` seconds ago."""

    def prepare(world: World) -> None:
        signed_in(world)
        first = world.refresh_token
        for _ in range(times):
            world.refresh()
        for existing in world.auth.state.refresh_tokens.values():
            existing.updated_at -= after
        world.refresh_token = first

    return prepare


def reuse_found(world: World) -> None:
    """Present the newest token of a family that was just revoked because an old one was reused."""
    spent(2, after=60)(world)
    [session] = world.auth.state.sessions.values()
    newest = next(
        t for t in world.auth.state.refresh_tokens.values() if t.session is session and not t.revoked
    )
    refused = world.call("POST", "/token?grant_type=refresh_token", {"refresh_token": world.refresh_token})
    assert refused.status_code == 400
    world.refresh_token = newest.value


def refreshed(world: World) -> None:
    signed_in(world)
    world.refresh()


def bearer(text: str) -> Preparation:
    def prepare(world: World) -> None:
        world.bearer = text

    return prepare


def key_as_bearer(world: World) -> None:
    world.bearer = world.auth.anon_key


def changed_signature(world: World) -> None:
    signed_in(world)
    head, _, signature = world.bearer.rpartition(".")
    world.bearer = f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def signed_out(world: World) -> None:
    signed_in(world)
    world.post("/logout?scope=local", None, bearer=world.bearer)


def taken_address(world: World) -> None:
    signed_in(world)
    mine, world.email = world.bearer, f"{uuid.uuid4().hex[:10]}@example.com"
    person(world)
    world.bearer = mine


def new_password(world: World) -> None:
    signed_in(world)
    world.account.password = "another good one"


def capital_letters(world: World) -> None:
    world.email = "a-1c0d12aa84@example.com"
    made(world)


def made(world: World) -> None:
    """Sign up without confirmation."""
    world.post("/signup", {"email": world.email, "password": PASSWORD})


def one_provider(world: World) -> None:
    world.auth.providers = ["github"]


def used_up(endpoint: str) -> Preparation:
    def prepare(world: World) -> None:
        signed_in(world)
        world.auth.limits = RequestLimits(lambda: 0.0)
        while world.auth.limits.take(endpoint, ""):
            pass

    return prepare


PREPARATIONS: dict[str, Preparation] = {
    "gateway: no apikey": no_key,
    "gateway: wrong apikey": wrong_key,
    "gateway: no apikey on an open path": no_key,
    "sign-up, taken address, no confirmation": person,
    "sign-up, taken address, no confirmation, API of 2023": person,
    "settings": one_provider,
    "sign-in": made,
    "sign-in, wrong password": person,
    "sign-in, empty password": person,
    "sign-in, capital letters": capital_letters,
    "sign-in, banned": banned,
    "sign-in, banned, wrong password": banned,
    "refresh, banned": banned,
    "user, banned": banned,
    "sign-out, banned": banned,
    "otp, banned": banned,
    "recover, banned": banned,
    "refresh": signed_in,
    "refresh, parent of the active token": spent(1),
    "refresh, next": refreshed,
    "refresh, grandparent within the reuse interval": spent(2),
    "refresh, malformed": token("not-a-token"),
    "refresh, malformed, 12 characters with capitals": token("ABCDEFGH1234"),
    "refresh, malformed, too short": token("abc"),
    "refresh, malformed, API of 2023": token("not-a-token"),
    "refresh, well-formed, unknown": token("abcdefgh1234"),
    "refresh, longer, no token of version 2": token("a" * 55),
    "refresh, grandparent after the reuse interval": spent(2, after=60),
    "refresh, the family after that": reuse_found,
    "user, after reuse was found": reuse_found,
    "refresh, deleted user": deleted,
    "user, deleted": deleted,
    "sign-out, deleted": deleted,
    "refresh, session gone": ended,
    "user, session gone": ended,
    "sign-out, session gone": ended,
    "password, session gone": ended,
    "user": signed_in,
    "user, the key as bearer": key_as_bearer,
    "user, garbage bearer": bearer("garbage.garbage.garbage"),
    "user, changed signature": changed_signature,
    "password": signed_in,
    "password, the same": new_password,
    "password, too short": signed_in,
    "password, 73 bytes": signed_in,
    "address, taken": taken_address,
    "address, their own": signed_in,
    "address, malformed": signed_in,
    "user data": signed_in,
    "app_metadata by the user": signed_in,
    "sign-out, unknown scope": signed_in,
    "sign-out, others": signed_in,
    "sign-out, local": signed_in,
    "sign-out, again": signed_out,
    "user, expired token": expired,
    "sign-out, expired token": expired,
    "refresh, too many requests": used_up("POST /token"),
    "sign-in, too many requests": used_up("POST /token"),
    "verify, too many requests": used_up("POST /verify"),
    **dict.fromkeys(
        (
            "health",
            "sign-up, no confirmation",
            "sign-up, short password",
            "sign-up, short password, API of 2023",
            "sign-up, no password",
            "sign-up, password of 73 bytes",
            "sign-up, address without @",
            "sign-up, domain without dot",
            "sign-up, address with non-ASCII domain",
            "sign-up, capital letters",
            "sign-up without address",
            "sign-up, no JSON",
            "sign-up, JSON array",
            "sign-in, unknown address",
            "sign-in, no address",
            "token, unknown grant",
            "token, wrong method",
            "refresh, empty",
            "refresh, nothing",
            "user, no bearer",
            "sign-out, no bearer",
            "unknown path",
            "wrong method",
        ),
        nothing,
    ),
    **MAILS,
    **FACTORS,
    **SETTINGS,
}

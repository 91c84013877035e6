"""Situations around mailed links and codes, and providers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from urllib.parse import parse_qs, urlencode, urlsplit

from .steps import nothing, person, sign_in, signed_in
from .world import CALLBACK, PASSWORD, World

Preparation = Callable[[World], None]


def asked(path: str, kind: str, *, pkce: bool = False) -> Preparation:
    """Ask for a mail, and take its token hash."""

    def prepare(world: World) -> None:
        person(world)
        challenge = world.challenge() if pkce else {}
        query = urlencode({"redirect_to": CALLBACK})
        world.post(f"{path}?{query}", {"email": world.email, "create_user": False, **challenge})
        world.mailed(kind)

    return prepare


def follow(world: World, kind: str) -> str:
    """Follow the mailed link; return where it leads."""
    query = urlencode({"token": world.hash, "type": kind, "redirect_to": CALLBACK})
    return world.call("GET", f"/verify?{query}").headers["location"]


recovery_link = asked("/recover", "recovery", pkce=True)
magic_link = asked("/otp", "magiclink")


def followed(world: World) -> None:
    """Follow a recovery link, and take the code of its redirect."""
    recovery_link(world)
    query = parse_qs(urlsplit(follow(world, "recovery")).query)
    world.ids["auth_code"] = query["code"][0]


def other_verifier(world: World) -> None:
    followed(world)
    world.verifier = "x" * 64


def exchanged(world: World) -> None:
    followed(world)
    given = {"auth_code": world.ids["auth_code"], "code_verifier": world.verifier}
    world.post("/token?grant_type=pkce", given)


def old_code(world: World) -> None:
    followed(world)
    for flow in world.auth.state.flows.values():
        flow.created_at -= 3600


def used(prepare: Preparation, kind: str) -> Preparation:
    """Use the mailed token hash up."""

    def prepare_and_use(world: World) -> None:
        prepare(world)
        world.post("/verify", {"type": kind, "token_hash": world.hash})

    return prepare_and_use


def made(world: World) -> None:
    """Sign up without confirming."""
    world.auth.autoconfirm = False
    world.post("/signup", {"email": world.email, "password": PASSWORD, **world.challenge()})
    world.mailed("signup")


def confirmation(world: World) -> None:
    world.auth.autoconfirm = False


def recovered(world: World) -> None:
    confirmation(world)
    person(world)
    world.post("/recover", {"email": world.email})


def made_and_asked_again(world: World) -> None:
    """Sign up, then ask for the other mails: the recorded account had."""
    made(world)
    world.post("/recover", {"email": world.email})


def changing(world: World) -> None:
    """Ask for another address; two mails are on their way."""
    signed_in(world)
    world.old_email, world.email = world.email, f"{uuid.uuid4().hex[:10]}@example.com"
    query = urlencode({"redirect_to": CALLBACK})
    body = {"email": world.email, **world.challenge()}
    assert world.call("PUT", f"/user?{query}", body, bearer=world.bearer).status_code == 200
    world.hash = world.auth.mail_to(world.old_email).token_hash


def half_changed(by: str) -> Preparation:
    def prepare(world: World) -> None:
        changing(world)
        if by == "link":
            follow(world, "email_change")
        else:
            world.post("/verify", {"type": "email_change", "token_hash": world.hash})
        world.hash = world.auth.mail_to(world.email).token_hash

    return prepare


def changing_without_pkce(world: World) -> None:
    signed_in(world)
    world.old_email, world.email = world.email, f"{uuid.uuid4().hex[:10]}@example.com"
    assert world.call("PUT", "/user", {"email": world.email}, bearer=world.bearer).status_code == 200
    world.hash = world.auth.mail_to(world.old_email).token_hash


def half_changed_by_hash(world: World) -> None:
    changing_without_pkce(world)
    world.post("/verify", {"type": "email_change", "token_hash": world.hash})
    world.hash = world.auth.mail_to(world.email).token_hash


def new_address(world: World) -> None:
    signed_in(world)
    world.email = f"{uuid.uuid4().hex[:10]}@example.com"


def paused(prepare: Preparation) -> Preparation:
    def prepare_and_pause(world: World) -> None:
        prepare(world)
        world.auth.mail_pause = 60

    return prepare_and_pause


def reauthenticated(world: World) -> None:
    signed_in(world)
    assert world.call("GET", "/reauthenticate", bearer=world.bearer).status_code == 200


def with_hash(text: str) -> Preparation:
    def prepare(world: World) -> None:
        world.hash = text

    return prepare


def session_of_password(world: World) -> None:
    person(world)
    sign_in(world)


MAILS: dict[str, Preparation] = {
    "otp, unknown address, no sign-up": nothing,
    "otp, known address": person,
    "otp, nothing": nothing,
    "otp, challenge without method": person,
    "otp, short challenge": person,
    "recover, unknown": nothing,
    "recover, known": person,
    "recover, nothing": nothing,
    "resend, unknown kind": person,
    "resend sign-up, confirmed": person,
    "link followed (recovery, PKCE)": recovery_link,
    "link followed twice": followed,
    "code, wrong verifier": other_verifier,
    "code": followed,
    "code, used twice": exchanged,
    "code, unknown": nothing,
    "code, no UUID": nothing,
    "code, no verifier": followed,
    "code, too old": old_code,
    "link followed (recovery, no PKCE)": asked("/recover", "recovery"),
    "link unknown, no PKCE": nothing,
    "link unknown, foreign target": with_hash("pkce_" + "0" * 56),
    "link without kind": nothing,
    "link of unknown kind": nothing,
    "token hash (magic link)": magic_link,
    "token hash, twice": used(magic_link, "magiclink"),
    "token hash, kind email": magic_link,
    "token hash, other kind (signup for a recovery)": asked("/recover", "recovery"),
    "token hash, magiclink for a recovery": asked("/recover", "recovery"),
    "typed code, wrong": magic_link,
    **dict.fromkeys(
        (
            "typed code, unknown address",
            "typed code, malformed address",
            "verify, no kind",
            "verify, unknown kind",
            "verify, code and hash",
            "verify, hash and address",
            "verify, nothing",
        ),
        nothing,
    ),
    **dict.fromkeys(
        (
            "provider",
            "provider, not enabled",
            "provider, unknown",
            "provider, no PKCE",
            "provider came back, no state",
            "provider came back, unknown state",
            "provider came back, state no UUID",
        ),
        nothing,
    ),
    "sign-up, confirmation": confirmation,
    "sign-in, not confirmed": made,
    "sign-in, not confirmed, wrong password": made,
    "sign-up again, not confirmed": made,
    "sign-up, taken and confirmed address": recovered,
    "otp, not confirmed": made,
    "recover, not confirmed": made,
    "sign-in, not confirmed, after the second sign-up: its password": made,
    "token hash (sign-up)": made_and_asked_again,
    "address, two mails": new_address,
    "first of two links": changing,
    "second of two links": half_changed("link"),
    "first of two hashes": changing_without_pkce,
    "second of two hashes": half_changed_by_hash,
    "sign-up again within the pause": paused(made),
    "recover again within the pause": paused(asked("/recover", "recovery")),
    "otp within the pause of a recovery": paused(asked("/recover", "recovery")),
    "reauthenticate": signed_in,
    "reauthenticate again within the pause": paused(reauthenticated),
    "address again within the pause": paused(changing),
}

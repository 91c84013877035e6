"""Situations around second factors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .steps import sign_in, signed_in
from .world import World

Preparation = Callable[[World], None]


def enrol(world: World, **given: Any) -> None:
    answer = world.post("/factors", {"factor_type": "totp", **given}, bearer=world.bearer)
    world.factor = answer["id"]


def enrolled(world: World) -> None:
    """Begin two enrolments, and take the one with a name."""
    signed_in(world)
    enrol(world)
    enrol(world, friendly_name="one")


def enrolled_without_name(world: World) -> None:
    signed_in(world)
    enrol(world)


def challenged(world: World) -> None:
    enrolled(world)
    answer = world.post(f"/factors/{world.factor}/challenge", {}, bearer=world.bearer)
    world.ids["challenge_id"] = answer["id"]
    world.code = world.totp()


def unknown_challenge(world: World) -> None:
    enrolled(world)


def verified(world: World) -> None:
    challenged(world)
    given = {"challenge_id": world.ids["challenge_id"], "code": world.code}
    world.adopt(world.post(f"/factors/{world.factor}/verify", given, bearer=world.bearer))


def at_aal1(world: World) -> None:
    verified(world)
    sign_in(world)


def address_at_aal1(world: World) -> None:
    at_aal1(world)
    world.email = f"new-{world.email}"


def removed(world: World) -> None:
    verified(world)
    assert world.call("DELETE", f"/factors/{world.factor}", bearer=world.bearer).status_code == 200


FACTORS: dict[str, Preparation] = {
    "enrol, unknown kind": signed_in,
    "enrol": signed_in,
    "enrol, name in use (unverified)": enrolled,
    "enrol, empty name": signed_in,
    "enrol, empty name, again": enrolled_without_name,
    "challenge, unknown factor": signed_in,
    "challenge, no UUID": signed_in,
    "challenge": enrolled,
    "factor, wrong code": challenged,
    "factor, empty code": challenged,
    "factor, unknown challenge": unknown_challenge,
    "factor": challenged,
    "user with a factor": verified,
    "factor, the same challenge again": verified,
    "enrol a second one, aal1": at_aal1,
    "remove a verified factor, aal1": at_aal1,
    "password, aal1 with a factor": at_aal1,
    "address, aal1 with a factor": address_at_aal1,
    "user data, aal1 with a factor": at_aal1,
    "enrol, name in use (verified)": verified,
    "remove a factor": verified,
    "remove a factor, again": removed,
}

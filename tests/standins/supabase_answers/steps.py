"""Steps that many situations share."""

from __future__ import annotations

from .world import PASSWORD, World


def nothing(world: World) -> None:
    """Leave the service as it is: nobody has an account."""


def person(world: World) -> None:
    world.auth.account(world.email, PASSWORD)


def sign_in(world: World) -> None:
    world.adopt(world.post("/token?grant_type=password", {"email": world.email, "password": PASSWORD}))


def signed_in(world: World) -> None:
    person(world)
    sign_in(world)


def banned(world: World) -> None:
    signed_in(world)
    world.account.banned = True


def deleted(world: World) -> None:
    signed_in(world)
    world.auth.delete(world.account)


def ended(world: World) -> None:
    signed_in(world)
    world.auth.state.end_sessions(world.account)


def expired(world: World) -> None:
    world.auth.access_life = -60
    signed_in(world)

"""Visitors who try the forge without an account, for GUEST_MINUTES.

A guest is a user like any other, with rows of their own behind the same row level security, and an identity
that nobody can sign in to: one browser's session is all that leads to it. Signing up gives that identity an
address and a password, so everything stays where it is. Otherwise everything goes when the time is over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

import jwt
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from agentforge.incidents import record_incident

from . import belongings, deletion, profile
from .errors import IdentityError, IdentityUnavailable, TooManyAttempts
from .identity import identity_service
from .identity.base import AuthSession, SignUpResult, Tokens
from .models import LocalSession, SignIn, User
from .sessions import refresh
from .sessions.tokens import verify
from .throttling.rate_limits import LimitReached
from .throttling.throttle import Throttle, address_subject

logger = logging.getLogger(__name__)

# Of those who came within the time of a visit; who leaves early makes no room for a crowd.
VISITS_PER_PLACE = 2
# Removed in one run of the upkeep, so that it never takes long.
BATCH = 20
# A place whose taker did not get to use it is free again.
HELD = timedelta(minutes=2)
# How long after the visit a mailed link still finds everything: as long as Supabase's links hold.
CONFIRMATION = timedelta(hours=1)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('guests', 0))"


class GuestsFull(LimitReached):
    """All places for guests are taken; one may be free in `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        Exception.__init__(
            self, f"All places for guests are taken. Sign up, or try again in {minutes} {unit}."
        )


@dataclass(frozen=True, slots=True)
class Visit:
    """A guest's tokens, and when everything of theirs goes."""

    tokens: Tokens
    until: datetime


def are_allowed() -> bool:
    """Return whether the operator lets guests in."""
    return settings.GUEST_MINUTES > 0


def are_welcome() -> bool:
    """Return whether guests can come: the operator lets them in, and the identity service makes them."""
    return are_allowed() and identity_service().makes_guests()


def begin(address: str) -> Visit:
    """Make a guest of a network address. Raises GuestsFull, and IdentityError if the service makes none."""
    until = timezone.now() + timedelta(minutes=settings.GUEST_MINUTES)
    held = _hold_place(address_subject("guests", address) or "", until)
    try:
        user_id, tokens = identity_service().sign_in_anonymously(until)
        with transaction.atomic():
            User.objects.filter(pk=held.pk).delete()
            user = User.objects.create_for_identity(user_id=user_id, email="")
            user.guest_until, user.guest_address = until, held.guest_address
            user.save(update_fields=["guest_until", "guest_address"])
    except TooManyAttempts as error:
        User.objects.filter(pk=held.pk).delete()
        raise GuestsFull(error.retry_after) from error
    except Exception:
        User.objects.filter(pk=held.pk).delete()
        raise
    return Visit(tokens, until)


@transaction.atomic
def _hold_place(place: str, until: datetime) -> User:
    """Take a place before a service is asked, which may take a while. Raises GuestsFull."""
    with connection.cursor() as cursor:
        # One at a time: otherwise a crowd that comes at once would find the same place free.
        cursor.execute(_LOCK)
    now = timezone.now()
    _take_place(place, now, until - now)
    pk = uuid4()
    return User.objects.create(
        pk=pk, email=f"{pk}@users.invalid", guest_until=now + HELD, guest_address=place
    )


def _take_place(place: str, now: datetime, length: timedelta) -> None:
    """Raise GuestsFull unless a place is free, of the address and of all."""
    present = User.objects.filter(guest_until__isnull=False)
    mine = present.filter(guest_address=place) if place else present.none()
    for guests, most in ((present, settings.MOST_GUESTS), (mine, settings.MOST_GUESTS_PER_ADDRESS)):
        ends = [guest.guest_until or now for guest in guests.order_by("guest_until").only("guest_until")]
        if len(ends) >= most:
            free_at = ends[len(ends) - most] if most > 0 else now + length
            raise GuestsFull(max(60, int((free_at - now).total_seconds())))
    most_visits = {"guests": settings.MOST_GUESTS, place: settings.MOST_GUESTS_PER_ADDRESS}
    limits = {subject: VISITS_PER_PLACE * most for subject, most in most_visits.items() if subject}
    if seconds := Throttle(limits, window=length, now=now).take():
        raise GuestsFull(seconds)


def keep(
    user: User, session: AuthSession, *, email: str, password: str, address: str, redirect_to: str
) -> SignUpResult:
    """Make a guest's account theirs, with everything in it.

    The result has the tokens of a new session; or a mail has to confirm the address first, and the visit
    lasts long enough for that. Raises AddressTaken, TooManyAttempts, and SessionEnded if the visit is over.
    """
    result = identity_service().name_anonymous(
        session, email=email, password=password, address=address, redirect_to=redirect_to
    )
    if result.tokens is not None:
        # At once: should this browser not come to use them, the account is kept all the same.
        profile.follow(verify(result.tokens.access_token), result.tokens.access_token)
    else:
        until = user.created_at + timedelta(minutes=settings.GUEST_MINUTES) + CONFIRMATION
        User.objects.filter(pk=user.pk, guest_until__lt=until).update(guest_until=until)
    return result


def is_of_guest(tokens: Tokens) -> bool:
    """Return whether new tokens are of an account that is still a guest's here."""
    # Unverified: they come from the service just now.
    claims = jwt.decode(tokens.access_token, options={"verify_signature": False})
    return User.objects.filter(pk=claims["sub"], guest_until__isnull=False).exists()


def is_guest(user: User | AnonymousUser) -> bool:
    """Return whether somebody who sends a request is a guest."""
    return isinstance(user, User) and user.is_guest


def is_member(user: User | AnonymousUser) -> bool:
    """Return whether somebody who sends a request is signed in to an account that lasts."""
    return isinstance(user, User) and not user.is_guest


def leave(user: User | AnonymousUser) -> None:
    """End the visit of a guest; the upkeep removes what was made. Nothing happens to others."""
    if isinstance(user, User) and user.is_guest:
        now = timezone.now()
        User.objects.filter(pk=user.pk, guest_until__gt=now).update(guest_until=now)
        LocalSession.objects.filter(identity_id=user.pk).delete()


def remove_ended(at: datetime) -> int:
    """Remove the guests whose time is over with everything of theirs; return how many.

    Whoever has work under way is asked again later, once that is cancelled.
    """
    ended = Q(guest_until__lte=at)
    removed = 0
    for pk in list(User.objects.filter(ended).order_by("guest_until").values_list("pk", flat=True)[:BATCH]):
        try:
            removed += _remove(pk, ended)
        # One that can't be removed must not keep the others.
        except Exception:
            record_incident(f"The removal of guest {pk}")
    if removed:
        logger.info("Guests whose time was over: %s removed.", removed)
    return removed


def _remove(pk: UUID, ended: Q) -> bool:
    user = User.objects.filter(ended, pk=pk).first()
    if user is None:
        return False
    belongings.stop_work(user)
    if belongings.obstacles(user) or _may_have_become_theirs(user):
        return False
    with transaction.atomic():
        # Again, and locked: they may be signing up just now.
        current = User.objects.select_for_update().filter(ended, pk=pk).first()
        if current is None:
            return False
        deletion.delete_here(current)
    try:
        deletion.delete_at_service(pk)
    except IdentityError as error:
        logger.warning("Guest %s is removed here, and left at the identity service: %s", pk, error)
    return True


def _may_have_become_theirs(user: User) -> bool:
    """Return whether a guest has confirmed an address without coming back, or a remote service can't say."""
    row = SignIn.objects.select_related("user").filter(user=user).first()
    if row is None or not identity_service().is_remote:
        return False
    try:
        renewed = refresh.ask_again(row)
    except IdentityUnavailable as error:
        logger.warning("Guest %s stays for now: %s", user.pk, error)
        return True
    if not isinstance(renewed, SignIn):
        return False
    # The same token: the service did not answer, and the old one is in force.
    return not renewed.user.is_guest or renewed.access_token == row.access_token

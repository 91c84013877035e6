"""Visitors who try the forge without an account, for GUEST_MINUTES.

A guest is a user like any other, with rows of their own behind the same row level security, and an identity
that nobody can sign in to: one browser's session is all that leads to it. Signing up gives that identity an
address and a password, so everything stays where it is. Otherwise everything goes when the time is over.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.incidents import record_incident

from . import belongings, deletion
from .identity import identity_service
from .identity.base import AuthSession, Tokens
from .identity.local import LocalIdentityService
from .models import LocalSession, User
from .throttling.rate_limits import LimitReached
from .throttling.throttle import Throttle, address_subject

logger = logging.getLogger(__name__)

# Of those who came within the time of a visit; who leaves early makes no room for a crowd.
VISITS_PER_PLACE = 2
# Removed in one run of the upkeep, so that it never takes long.
BATCH = 20
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


def are_welcome() -> bool:
    """Return whether this forge takes guests."""
    return settings.GUEST_MINUTES > 0 and isinstance(identity_service(), LocalIdentityService)


@transaction.atomic
def begin(address: str) -> Visit:
    """Make a guest of a network address. Raises GuestsFull."""
    now = timezone.now()
    length = timedelta(minutes=settings.GUEST_MINUTES)
    place = address_subject("guests", address) or ""
    with connection.cursor() as cursor:
        # One at a time: otherwise a crowd that comes at once would find the same place free.
        cursor.execute(_LOCK)
    _take_place(place, now, length)
    user_id, tokens = LocalIdentityService().sign_in_anonymously(now + length)
    user = User.objects.create_for_identity(user_id=user_id, email="")
    user.guest_until, user.guest_address = now + length, place
    user.save(update_fields=["guest_until", "guest_address"])
    return Visit(tokens, now + length)


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


def keep(user: User, session: AuthSession, *, email: str, password: str, address: str) -> Tokens:
    """Make a guest's account theirs, with everything in it; return the tokens of a new session.

    Raises AddressTaken, TooManyAttempts, and SessionEnded if the visit is over.
    """
    tokens = LocalIdentityService().name_anonymous(session, email=email, password=password, address=address)
    with transaction.atomic():
        kept = User.objects.get_or_create_for_identity(user_id=user.pk, email=email)
        kept.guest_until, kept.guest_address = None, ""
        # The tokens of the guest still name no address: only newer ones decide from now on.
        kept.claims_issued_at, kept.claims_digests = timezone.now().replace(microsecond=0), []
        kept.save(update_fields=["guest_until", "guest_address", "claims_issued_at", "claims_digests"])
        record(Action.GUEST_KEPT, owner=kept, actor=kept, email=email)
    return tokens


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
    if belongings.obstacles(user):
        return False
    with transaction.atomic():
        # Again, and locked: they may be signing up just now.
        current = User.objects.select_for_update().filter(ended, pk=pk).first()
        if current is None:
            return False
        deletion.delete(current)
    return True

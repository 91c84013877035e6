"""Throttle guessing: count attempts, and those that failed, per e-mail address and per network address."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import ClassVar, TypeVar

from django.db import connection, transaction
from django.db.models import F

from agentforge.accounts.errors import CodeRefused, SessionEnded, TooManyAttempts, WrongCredentials
from agentforge.accounts.models import FailedAttempts, User
from agentforge.audit import request_actor
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.request_transaction import outside_transaction

from .keyed_lock import KeyedLock
from .throttle import Throttle, address_subject

T = TypeVar("T")

WINDOW = timedelta(minutes=15)
# Failures within a window.
PER_EMAIL = 10
PER_ADDRESS = 50
# Attempts that succeed cost as much as those that fail. An office shares one network address.
ATTEMPTS_PER_EMAIL = 20
ATTEMPTS_PER_ADDRESS = 300

_in_progress = KeyedLock()


def email_subject(action: str, email: str) -> str:
    return f"{action} email {hashlib.sha256(email.encode(errors='replace')).hexdigest()}"


class AttemptThrottle(Throttle):
    """A throttle of one action's attempts and failures, per e-mail and network address."""

    def __init__(self, action: str, *, email: str, address: str, per_address: int = PER_ADDRESS) -> None:
        self.email = email_subject(action, email)
        self.address = address_subject(action, address)
        self._attempts = {f"{self.email} attempts": ATTEMPTS_PER_EMAIL}
        limits = {self.email: PER_EMAIL}
        if self.address is not None:
            limits[self.address] = per_address
            self._attempts[f"{self.address} attempts"] = ATTEMPTS_PER_ADDRESS
        limits |= self._attempts
        super().__init__(limits, window=WINDOW)

    def check(self) -> None:
        """Raise TooManyAttempts over a limit; within a transaction, one check per e-mail address at a time.

        Otherwise many simultaneous guesses would all be checked before the first one is counted.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [self.email])
        if seconds := self.wait():
            raise TooManyAttempts(seconds)

    def begin(self) -> None:
        """Count an attempt, as a failure of the e-mail address until its outcome is known.

        Raises TooManyAttempts.
        """
        with transaction.atomic():
            self.check()
            for subject in sorted((self.email, *self._attempts)):
                self.count_one(subject)

    def fail(self) -> None:
        """Count the failure of an attempt for the network address too."""
        if self.address is not None:
            self.count_one(self.address)

    def succeed(self) -> None:
        """Reset the e-mail address's count; the network address's stays."""
        FailedAttempts.objects.filter(subject=self.email).delete()

    def withdraw(self) -> None:
        """Take the failure of an attempt back that came to no outcome."""
        FailedAttempts.objects.filter(subject=self.email, count__gt=0).update(count=F("count") - 1)


def attempt(action: str, *, email: str, address: str, do: Callable[[], T]) -> T:
    """Make an authentication attempt; wrong credentials and codes count. Raises TooManyAttempts.

    No transaction lasts while `do` asks the identity service, so the attempt is counted beforehand, and the
    outcome is committed whatever becomes of the request.
    """
    throttle = AttemptThrottle(action, email=email, address=address)
    # One at a time: otherwise a dozen sign-ins at once, all with the right password, would be over the limit.
    with outside_transaction(), _in_progress.held(throttle.email):
        throttle.begin()
        try:
            result = do()
        except (WrongCredentials, CodeRefused):
            throttle.fail()
            _log_failure(action, email)
            raise
        except BaseException:
            throttle.withdraw()
            raise
        throttle.succeed()
        return result


class ServiceBudget(Throttle):
    """What one network address may use up of a limit that the identity service sets for the whole forge.

    The service sees one address: without this, a stranger's made-up tokens would use the limit up for all.
    """

    # Less than what Supabase Auth grants by default and then refills; it counts /token and /verify apart.
    LIMITS: ClassVar[dict[str, tuple[int, timedelta]]] = {
        "token": (15, timedelta(minutes=1)),
        "verify": (10, timedelta(minutes=5)),
    }

    def __init__(self, name: str, address: str) -> None:
        limit, window = self.LIMITS[name]
        subject = address_subject(f"{name} budget", address)
        super().__init__({subject: limit} if subject else {}, window=window)

    @contextmanager
    def spent(self) -> Iterator[None]:
        """Ask the service within the block; what it refuses counts. Raises TooManyAttempts."""
        if seconds := self.wait():
            raise TooManyAttempts(seconds)
        try:
            yield
        except (WrongCredentials, CodeRefused, SessionEnded):
            self.count()
            raise


def attempt_unnamed(budget: str, *, address: str, do: Callable[[], T]) -> T:
    """Exchange a token or code that names no person. Raises TooManyAttempts."""
    throttle = ServiceBudget(budget, address)
    # One at a time, so that made-up tokens sent at once are counted too.
    with outside_transaction(), _in_progress.held((budget, *throttle.limits)), throttle.spent():
        return do()


def _log_failure(action: str, email: str) -> None:
    # Queried for every address, existing or not, so that timing reveals nothing.
    owner = request_actor.current_actor().user or User.objects.filter(email=email).first()
    record(Action(f"{action}-failed"), owner=owner, tried=email)

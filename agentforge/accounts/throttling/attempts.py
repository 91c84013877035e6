"""Throttle guessing: count failed attempts per e-mail address and per network address."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

from django.db import connection, transaction

from agentforge.accounts.errors import CodeRefused, TooManyAttempts, WrongCredentials
from agentforge.accounts.models import FailedAttempts, User
from agentforge.audit import request_actor
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .throttle import Throttle, address_subject

T = TypeVar("T")

WINDOW = timedelta(minutes=15)
PER_EMAIL = 10
PER_ADDRESS = 50


def email_subject(action: str, email: str) -> str:
    return f"{action} email {hashlib.sha256(email.encode(errors='replace')).hexdigest()}"


class AttemptThrottle(Throttle):
    """A throttle of one action's failures; use it inside a transaction."""

    def __init__(self, action: str, *, email: str, address: str) -> None:
        self._email = email_subject(action, email)
        limits = {self._email: PER_EMAIL}
        by_address = address_subject(action, address)
        if by_address is not None:
            limits[by_address] = PER_ADDRESS
        super().__init__(limits, window=WINDOW)

    def check(self) -> None:
        """Raise TooManyAttempts over a limit; attempts on one e-mail address are serialized.

        Otherwise many simultaneous guesses would all be checked before the first one is counted.
        """
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [self._email])
        if seconds := self.wait():
            raise TooManyAttempts(seconds)

    def reset_email(self) -> None:
        """Reset the e-mail address's count after a success; the network address's stays."""
        FailedAttempts.objects.filter(subject=self._email).delete()


def attempt(action: str, *, email: str, address: str, do: Callable[[], T]) -> T:
    """Make an authentication attempt; wrong credentials and codes count. Raises TooManyAttempts."""
    # The error is raised after the transaction, so that the count is committed.
    refusal: WrongCredentials | CodeRefused
    with transaction.atomic():
        throttle = AttemptThrottle(action, email=email, address=address)
        throttle.check()
        try:
            result = do()
        except (WrongCredentials, CodeRefused) as error:
            throttle.count()
            _log_failure(action, email)
            refusal = error
        else:
            throttle.reset_email()
            return result
    raise refusal


def _log_failure(action: str, email: str) -> None:
    # Queried for every address, existing or not, so that timing reveals nothing.
    owner = request_actor.current_actor().user or User.objects.filter(email=email).first()
    record(Action(f"{action}-failed"), owner=owner, tried=email)

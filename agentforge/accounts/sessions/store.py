"""Django sessions in the database, read in one query together with the sign-in that they name.

The first request of a browser in a process learns which rows belong together. The next ones ask for these
rows at once. Nothing of a row is kept: each request reads it anew, and what it says counts.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import CharField, Exists, OuterRef, Subquery, Value
from django.db.models.functions import Cast, Concat
from django.utils import timezone

from agentforge.accounts.identity import identity_service
from agentforge.accounts.models import Ending, LocalSession, SignIn
from agentforge.prepared_queries import Parameter, PreparedQuery

# The most browsers whose rows a process knows.
MOST_KNOWN = 10_000


class _Rows(NamedTuple):
    """Which rows belong to a Django session."""

    sign_in: UUID
    auth_session: UUID


class SessionStore(db.SessionStore):
    """Holds the sign-in that was read along with the session until somebody takes it."""

    _sign_in: SignIn | None = None
    _rows: _Rows | None = None

    def load(self) -> dict[str, Any]:
        """Return the session's data."""
        rows = _known.get(self.session_key)
        data: dict[str, Any]
        if rows is not None and (found := self._read_with(rows)) is not None:
            _known.put(self.session_key or "", rows)
            found.auth_session_in_force = str(rows.auth_session) if found.is_in_force else ""
            self._sign_in = found
            data = self.decode(found.session_data)
        else:
            _known.drop(self.session_key)
            data = super().load()
        return data

    def _read_with(self, rows: _Rows) -> Any:
        """Return the sign-in with the session's data; None if one of them is gone."""
        together = _together(identity_service().is_remote)
        found = together.first(
            key=self.session_key, now=timezone.now(), pk=rows.sign_in, auth_session=rows.auth_session
        )
        return None if found is None or found.session_data is None else found

    def take_sign_in(self, pk: UUID) -> SignIn | None:
        """Return the sign-in if it was read along and not taken before."""
        taken, self._sign_in = self._sign_in, None
        return taken if taken is not None and taken.pk == pk else None

    def remember(self, sign_in: SignIn, auth_session: str) -> None:
        """Let the next request of this session read the sign-in along; a new one once it is saved."""
        self._rows = _Rows(sign_in.pk, UUID(auth_session))
        if self.session_key:
            _known.put(self.session_key, self._rows)

    def save(self, must_create: bool = False) -> None:
        """Store the session."""
        super().save(must_create)
        if self._rows is not None and self.session_key:
            _known.put(self.session_key, self._rows)


class _Known:
    """The rows of the sessions that were used last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._rows: OrderedDict[str, _Rows] = OrderedDict()

    def get(self, key: str | None) -> _Rows | None:
        return self._rows.get(key or "")

    def drop(self, key: str | None) -> None:
        with self._lock:
            self._rows.pop(key or "", None)

    def put(self, key: str, rows: _Rows) -> None:
        with self._lock:
            self._rows[key] = rows
            self._rows.move_to_end(key)
            while len(self._rows) > MOST_KNOWN:
                self._rows.popitem(last=False)


_known = _Known()


@cache
def _together(is_remote: bool) -> PreparedQuery[Any]:
    """Return the query of a sign-in, its user and its Django session, and whether it is in force."""
    session = Session.objects.filter(session_key=Parameter("key"), expire_date__gt=Parameter("now"))
    return PreparedQuery(
        lambda: (
            SignIn.objects.select_related("user")
            .filter(pk=Parameter("pk"))
            .annotate(
                session_data=Subquery(session.values("session_data")),
                is_in_force=~Exists(_endings()) if is_remote else Exists(_local_sessions()),
            )
        )
    )


def _local_sessions() -> Any:
    return LocalSession.objects.filter(
        pk=Parameter("auth_session"), identity_id=OuterRef("user_id"), expires_at__gt=Parameter("now")
    )


def _endings() -> Any:
    """Return the revocations that may concern the session; those of all sessions of a user spare some."""
    of_session = Concat(Value("session "), Cast(Parameter("auth_session"), CharField()))
    of_user = Concat(Value("user "), Cast(OuterRef("user_id"), CharField()))
    return Ending.objects.filter(subject__in=[of_session, of_user])

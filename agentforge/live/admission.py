"""Admit a request to its streams, and find its positions; does the checks of Django's middleware."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.http.request import split_domain_port, validate_host
from django_eventstream.utils import parse_last_event_id
from psycopg_pool import PoolTimeout

from agentforge.accounts import second_factor
from agentforge.accounts.errors import IdentityUnavailable
from agentforge.accounts.scope import principal_of
from agentforge.accounts.sessions.authentication import Principal
from agentforge.telemetry.context import bind
from agentforge.tenancy.connections import connection_lease
from agentforge.tenancy.patience import SECONDS, Patience, limited
from agentforge.whole_numbers import whole_number

from .reader import DATABASE_AWAY
from .single_flight import Result
from .streams import NAME

if TYPE_CHECKING:
    from .hub import Hub

# The pages of a browser share one connection (static/js/live/worker.js).
MAX_CHANNELS = 60
# A browser does not reconnect after a refusal, so wait for a database that is away.
WAIT_SECONDS = 30.0
PAUSE = 0.5
# A stream asks for new tokens this long before its own end.
RENEW_SECONDS = 30.0
# The loop's clock may be a little ahead of the wall clock.
CLOCK_TICK = 0.05
LOOKUP_ERRORS = (DatabaseError, InterfaceError, PoolTimeout, *DATABASE_AWAY)

_PAGE = re.compile(r"[A-Za-z0-9-]{1,64}")
_STREAMS = (
    "SELECT name, owner_id, last_seq, closed_at IS NOT NULL FROM live_stream "
    "WHERE name = ANY(%(names)s) AND hidden_at IS NULL"
)

_sign_in_threads = ThreadPoolExecutor(4, thread_name_prefix="live sign-in")


class Refused(Exception):
    """The request is refused: the response is a status and a sentence, not a stream."""

    def __init__(self, status: HTTPStatus, sentence: str = "", *, headers: Mapping[str, str] | None = None):
        super().__init__(sentence)
        self.status = status
        self.sentence = sentence
        self.headers = headers or {}


def requested_positions(scope: Mapping[str, Any]) -> dict[str, int]:
    """Return the requested streams, each with the last sequence number that the client has received.

    Raises Refused for anything wrong with the request itself.
    """
    if scope["method"] != "GET":
        raise Refused(HTTPStatus.METHOD_NOT_ALLOWED, "Streams are read by GET.", headers={"Allow": "GET"})
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    _check_host_and_origin(headers)
    try:
        query = parse_qs(scope["query_string"].decode(), max_num_fields=200, errors="strict")
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, "The query can't be read.") from None
    if "es-meta" in query:
        raise Refused(HTTPStatus.BAD_REQUEST, "es-meta is not supported.")
    channels = query.get("channel", [])
    names = dict.fromkeys(channels)
    if not 1 <= len(channels) <= MAX_CHANNELS:
        raise Refused(HTTPStatus.BAD_REQUEST, f"Ask for 1 to {MAX_CHANNELS} channels.")
    if not all(map(NAME.fullmatch, names)):
        raise Refused(HTTPStatus.NOT_FOUND, "There is no such channel.")
    event_ids = (headers.get("last-event-id"), *query.get("last_event_id", []))
    received = [_parse_positions(text) for text in event_ids]
    return {name: max((positions.get(name, 0) for positions in received), default=0) for name in names}


def requested_page(scope: Mapping[str, Any]) -> str:
    """Return the id by which a page replaces its own older stream; empty without a usable one."""
    pages = parse_qs(scope["query_string"].decode()).get("page", [""])
    return pages[-1] if _PAGE.fullmatch(pages[-1]) else ""


class Ticket:
    """The admission of a request: its principal, and the time of the check; it can be checked again."""

    def __init__(self, scope: dict[str, Any]) -> None:
        # When the principal was looked up: a sign-out announced later causes another check.
        self.since = asyncio.get_running_loop().time()
        self.subjects: tuple[str, ...] = ()
        self._scope = scope
        self._ends_at = self._renew_at = 0.0

    def accept(self, principal: Principal) -> None:
        """Take over the subjects of a principal, and the time at which their token ends."""
        claims = principal.claims
        bind(user=str(principal.user.pk))
        self.subjects = (str(principal.user.pk), str(claims["session_id"]))
        self._ends_at = float(claims["exp"])
        # Late enough for a browser's tokens to be due for a refresh.
        self._renew_at = self._ends_at - min(RENEW_SECONDS, (self._ends_at - claims["iat"]) / 4)

    def seconds_to_next_check(self) -> float:
        """Return when to look at the token again: shortly before it ends, and when it ends."""
        now = time.time()
        return max(0.0, (self._renew_at if now < self._renew_at else self._ends_at) - now) + CLOCK_TICK

    def credentials(self) -> tuple[bytes, ...]:
        """Return the request's credentials, which alone determine its principal."""
        headers = self._scope["headers"]
        return tuple(part for pair in headers if pair[0] in (b"authorization", b"cookie") for part in pair)

    async def identify(self) -> Principal | None:
        """Return the principal; raises one of LOOKUP_ERRORS."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(_sign_in_threads, _identify, self._scope)

    async def is_valid(self) -> bool:
        """Return whether the request would still be admitted, with a token in force.

        Waits for a database that is away. While the identity service can't say, the token's own end decides.
        """
        while True:
            try:
                principal = await self.identify()
            except LOOKUP_ERRORS:
                await asyncio.sleep(PAUSE)
                continue
            except IdentityUnavailable:
                return self._is_in_force()
            if principal is None or _lacks_second_factor(principal, self._scope):
                return False
            self.accept(principal)
            return self._is_in_force()

    def _is_in_force(self) -> bool:
        return time.time() < self._ends_at


async def admit(scope: dict[str, Any], positions: Mapping[str, int], hub: Hub) -> Ticket:
    """Return a ticket if the principal may follow all the streams and there is something left to follow.

    Raises Refused: 401 without sign-in, 403 without the second factor that settings require, 404 for a
    missing or foreign stream, 400 for a position ahead of its stream, 204 if every stream has ended and was
    received, 503 if the database or the identity service stays away.
    """
    ticket = Ticket(scope)
    principal = await _retry_while_away(lambda: _principal(ticket, hub))
    if principal is None:
        raise Refused(HTTPStatus.UNAUTHORIZED, "Sign in first.", headers={"WWW-Authenticate": "Bearer"})
    if _lacks_second_factor(principal, scope):
        raise Refused(HTTPStatus.FORBIDDEN, second_factor.NEEDED)
    names = tuple(positions)
    _, rows = await _retry_while_away(lambda: hub.lookups.run(names, _streams(names, hub)))
    try:
        _check(principal, positions, rows)
    except Refused:
        # A shared query may be older than what this client has already seen: ask again.
        _check(principal, positions, await _retry_while_away(lambda: _streams(names, hub)))
    ticket.accept(principal)
    return ticket


def _check(principal: Principal, positions: Mapping[str, int], streams: Sequence[Sequence[Any]]) -> None:
    rows = (row for row in streams if row[1] == principal.user.pk)
    own = {name: (last_seq, closed) for name, _, last_seq, closed in rows}
    if len(own) < len(positions):
        raise Refused(HTTPStatus.NOT_FOUND, "There is no such channel.")
    if any(position > own[name][0] for name, position in positions.items()):
        raise Refused(HTTPStatus.BAD_REQUEST, "The last event id is ahead of its channel.")
    if all(closed and positions[name] == last_seq for name, (last_seq, closed) in own.items()):
        raise Refused(HTTPStatus.NO_CONTENT)


async def _principal(ticket: Ticket, hub: Hub) -> Principal | None:
    """Return the principal; simultaneous requests with the same credentials share one lookup."""
    ticket.since, principal = await hub.principals.run(ticket.credentials(), ticket.identify())
    return principal


async def _streams(names: Sequence[str], hub: Hub) -> Sequence[Sequence[Any]]:
    return await hub.reader.rows(_STREAMS, {"names": list(names)})


async def _retry_while_away(query: Callable[[], Coroutine[Any, Any, Result]]) -> Result:
    """Return the result of a query, waiting for the database or the identity service if it is away."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + WAIT_SECONDS
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                return await query()
        except LOOKUP_ERRORS:
            if loop.time() >= deadline:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, "The database is away; try again.") from None
        except IdentityUnavailable as error:
            if loop.time() > deadline:
                raise Refused(HTTPStatus.SERVICE_UNAVAILABLE, str(error)) from None
        await asyncio.sleep(PAUSE)


def _identify(scope: dict[str, Any]) -> Principal | None:
    with limited(Patience(SECONDS)), connection_lease():
        return principal_of(scope)


def _lacks_second_factor(principal: Principal, scope: Mapping[str, Any]) -> bool:
    return second_factor.lacks(principal.user, principal.claims, scope["path"])


def _check_host_and_origin(headers: Mapping[str, str]) -> None:
    host = headers.get("host", "")
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    domain, _ = split_domain_port(host)
    if not domain or not validate_host(domain, allowed):
        raise Refused(HTTPStatus.BAD_REQUEST, "This host name is not served here.")
    origin = headers.get("origin")
    if origin and origin.partition("://")[2] != host and origin not in settings.CSRF_TRUSTED_ORIGINS:
        raise Refused(HTTPStatus.FORBIDDEN, "Other sites can't read streams.")


def _parse_positions(text: str | None) -> dict[str, int]:
    if not text:
        return {}
    try:
        return {name: _number(text) for name, text in parse_last_event_id(text).items()}
    except ValueError:
        raise Refused(HTTPStatus.BAD_REQUEST, "The last event id is no list of channel:number.") from None


def _number(text: str) -> int:
    number = whole_number(text)
    if number is None:
        raise ValueError(text)
    return number

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from django.db import OperationalError, connection, transaction
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from psycopg.errors import LockNotAvailable

from agentforge.probe_hosts import LIVENESS
from agentforge.unavailable import Unavailable

from . import rls
from .request_transaction import DatabaseAway, RequestTransaction, Share, has_stored
from .slots import Busy

logger = logging.getLogger(__name__)

ADMIN_PREFIX = "/admin/"
_ANSWER = "agentforge_database_lost"


class TransactionAborted(Exception):
    """A view responded although its transaction had failed: nothing it claims to have stored is stored."""


class TenancyMiddleware:
    """Wraps each request in a transaction as its user (law 2), so no view can forget it.

    Operators in the admin act as the service. An exception, or a status of 500 and above, rolls back what was
    stored since the last remote call.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if request.path_info == LIVENESS:
            return self.get_response(request)
        try:
            with RequestTransaction(lambda: _acting_for(request), _share_of(request)):
                response = self.get_response(request)
                if response.status_code >= 500:
                    _mark_for_rollback()
                elif rls.is_aborted():
                    raise TransactionAborted(f"{request.method} {request.path}")
        except Busy as busy:
            return _refused(request, busy)
        except DatabaseAway as away:
            return database_away(away.__cause__)
        except OperationalError as error:
            # At the end: the answer to COMMIT was lost.
            return _lost(request, error, changed_nothing=_is_safe(request))
        if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
            _stream_for(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        _mark_for_rollback()
        if isinstance(exception, Busy):
            return _refused(request, exception)
        if isinstance(exception, OperationalError) and isinstance(exception.__cause__, LockNotAvailable):
            logger.warning("%s waited too long for a lock", request.method)
            return _unavailable("This is being changed by something else at the moment.")
        if isinstance(exception, OperationalError) and _is_connection_lost():
            return _lost(request, exception, changed_nothing=_is_safe(request) or not has_stored())
        return None


def database_away(why: BaseException | None, *, changed_nothing: bool = True) -> HttpResponse:
    """Answer a request that found no database, or lost it; say so where its outcome is unknown."""
    # Without its traceback: the remedy is not in this code, and every request leaves one.
    logger.error("The database does not answer: %s", why)
    return _unavailable("The database does not answer.", changed_nothing=changed_nothing)


def lost_database(request: HttpRequest) -> HttpResponse:
    """Answer a request that lost the database around its transaction, by what became of that."""
    answer: HttpResponse | None = getattr(request, _ANSWER, None)
    return answer or database_away(None, changed_nothing=_is_safe(request))


def _lost(request: HttpRequest, why: OperationalError, *, changed_nothing: bool) -> HttpResponse:
    # What the first loss means holds for what it breaks afterwards, too.
    known: HttpResponse | None = getattr(request, _ANSWER, None)
    answer = known or database_away(why, changed_nothing=changed_nothing)
    setattr(request, _ANSWER, answer)
    return answer


def _is_safe(request: HttpRequest) -> bool:
    """Return whether a request stores nothing, by its method."""
    return request.method in ("GET", "HEAD", "OPTIONS")


def _unavailable(reason: str, *, changed_nothing: bool = True) -> HttpResponse:
    if changed_nothing:
        return Unavailable(f"{reason} Nothing was changed. Try again in a minute.", retry_after=10)
    unknown = "Whether this was stored is not known: look in a minute, before you send it again."
    return Unavailable(f"{reason} {unknown}", retry_after=10)


def _is_connection_lost() -> bool:
    raw = connection.connection
    return raw is None or raw.closed


def _mark_for_rollback() -> None:
    # After slow work, the transaction may not have begun again.
    if connection.in_atomic_block:
        transaction.set_rollback(True)


def _share_of(request: HttpRequest) -> Share:
    share: Share = getattr(request, "share", Share())
    return share


def _refused(request: HttpRequest, busy: Busy) -> HttpResponseBase:
    headers = {"Retry-After": str(busy.retry_after)}
    refuse = _share_of(request).refuse
    return refuse(busy) if refuse else HttpResponse(f"{busy}\n", "text/plain", 429, headers=headers)


def _acting_for(request: HttpRequest) -> AbstractContextManager[Any]:
    user = request.user
    if not user.is_authenticated:
        return rls.as_anonymous()
    if user.is_staff and request.path_info.startswith(ADMIN_PREFIX):
        return transaction.atomic()
    return rls.as_user(user.pk, getattr(request, "claims", None))


def _stream_for(request: HttpRequest, response: StreamingHttpResponse) -> None:
    """Generate a streamed body as the user too: this happens after the request's transaction has ended."""
    if response.is_async:
        return
    parts: Iterable[bytes] = response.streaming_content  # type: ignore[assignment] # is_async tells which

    def as_user() -> Iterator[bytes]:
        with _acting_for(request):
            yield from parts

    response.streaming_content = as_user()

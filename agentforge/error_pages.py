"""Error pages, also used with DEBUG on.

Django's technical pages show source code, settings and local variables, possibly a key, to every visitor.
Developers find the traceback in the log.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, HttpResponseNotAllowed
from django.template.loader import render_to_string
from django.urls import get_resolver
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

from .negotiation import wants_json
from .telemetry.context import accepted_request_id, current_request_id
from .telemetry.requests import loggable_path
from .tenancy import patience
from .tenancy.middleware import lost_database
from .unavailable import Unavailable

logger = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a malformed request."""
    return HttpResponse(render_to_string("400.html"), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer an unexpected error with the request's id, which stands beside the traceback in the log."""
    return HttpResponse(_server_error_page(request), status=500)


def _server_error_page(request: HttpRequest | None) -> SafeString:
    # Rendered without the request: the page's header, which needs the user, could fail again.
    return render_to_string("500.html", {"request_id": _log_error(request)})


def _log_error(request: HttpRequest | None) -> str:
    """Log the exception being handled with the request's id, and return the id."""
    request_id = current_request_id() or accepted_request_id("")
    source = f"{request.method} {loggable_path(request.path)}" if request else "no request"
    logger.exception("Error %s was shown for %s", request_id, source)
    return request_id


class OwnPages(ExceptionReporter):
    """Replaces Django's technical pages (the setting DEFAULT_EXCEPTION_REPORTER)."""

    def get_traceback_html(self) -> SafeString:
        if isinstance(self.exc_value, BadRequest | SuspiciousOperation):
            return render_to_string("400.html")
        return _server_error_page(self.request)

    def get_traceback_text(self) -> SafeString:
        if isinstance(self.exc_value, BadRequest | SuspiciousOperation):
            return SafeString("The request can't be understood. Nothing was changed.\n")
        request_id = _log_error(self.request)
        return SafeString(f"Something went wrong here. Nothing was changed. Request id: {request_id}\n")


class ErrorPageMiddleware:
    """Shows our pages for missing rows (by their exception), unknown URLs, wrong methods, and outages."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if response.status_code == 500 and patience.is_over():
            # Such as while the session was stored, after the view.
            response = lost_database(request)
        if settings.DEBUG and response.status_code == 404 and request.resolver_match is None:
            return _not_found(request, Http404())
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            response.content = render_to_string("405.html")
        if isinstance(response, Unavailable) and not wants_json(request):
            return _unavailable_page(request, response)
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _not_found(request, exception) if isinstance(exception, Http404) else None


def _unavailable_page(request: HttpRequest, response: Unavailable) -> HttpResponse:
    """Show why, and a way to try again that sends nothing a second time."""
    again = request.get_full_path() if request.method in ("GET", "HEAD") else ""
    # Rendered without the request: who sends it may be unknown at present.
    page = render_to_string("503.html", {"reason": response.reason, "again": again})
    return HttpResponse(page, status=503, headers={"Retry-After": response["Retry-After"]})


def _not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    # The handler404 of the URLs: a builder has no pages.
    handle: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(404)
    return handle(request, exception)

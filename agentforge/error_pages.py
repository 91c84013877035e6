"""Answer errors with the forge's own pages, also with DEBUG on.

Django's technical pages show source code, settings and local variables (a key among them, at the wrong
moment) to whoever asks; what a developer wants of them, the traceback, stands in the log.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import BadRequest, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import get_resolver
from django.utils.safestring import SafeString
from django.views.debug import ExceptionReporter

logger = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer a request that can't be understood."""
    return HttpResponse(render_to_string("400.html"), status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours with an id that the log names beside the request."""
    return HttpResponse(_server_error_page(request), status=500)


def _server_error_page(request: HttpRequest | None) -> SafeString:
    error_id = secrets.token_hex(4)
    asked = f"{request.method} {request.path}" if request else "no request"
    logger.error("Error %s was shown for %s", error_id, asked)
    # Without the request: what broke may break again where the page's header asks who is signed in.
    return render_to_string("500.html", {"request_id": error_id})


class OwnPages(ExceptionReporter):
    """Stand in for the technical page of an exception (the setting DEFAULT_EXCEPTION_REPORTER)."""

    def get_traceback_html(self) -> SafeString:
        if isinstance(self.exc_value, BadRequest | SuspiciousOperation):
            return render_to_string("400.html")
        return _server_error_page(self.request)

    def get_traceback_text(self) -> SafeString:
        if isinstance(self.exc_value, BadRequest | SuspiciousOperation):
            return SafeString("The request can't be understood. Nothing was changed.\n")
        return SafeString("Something went wrong here. Nothing was changed.\n")


class NotFoundMiddleware:
    """Answer what is not there with our page: a row by its exception, an address by its missing route."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        if settings.DEBUG and response.status_code == 404 and request.resolver_match is None:
            return _not_found(request, Http404())
        return response

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        return _not_found(request, exception) if isinstance(exception, Http404) else None


def _not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    # What the addresses name as handler404: a builder has no pages.
    handle: Callable[..., HttpResponse] = get_resolver().resolve_error_handler(404)
    return handle(request, exception)

"""Views that accept only signed messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.http.request import UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from agentforge.problems import problem
from agentforge.tenancy.rls import as_service

from .webhook_signature import InvalidSignature, Message, RepeatedMessage, check

# An HTTP status and the JSON object of the response.
Answer = tuple[int, dict[str, Any]]
Receive = Callable[..., Answer]


def signed(secrets: Callable[[], Mapping[str, str]]) -> Callable[[Receive], Callable[..., HttpResponse]]:
    """Call the view with the verified message instead of the request, in the transaction that records its id.

    Unsigned, altered and old messages are answered with 401, repeated ones with 409, too long ones with 413.
    """

    def decorate(receive: Receive) -> Callable[..., HttpResponse]:
        @wraps(receive)
        def inner(request: HttpRequest, **arguments: Any) -> HttpResponse:
            try:
                body = request.body
                with as_service():
                    message: Message = check(secrets(), body, request.headers)
                    status, content = receive(message, **arguments)
            except RequestDataTooBig:
                return problem(413, "The message is too long. Nothing was stored.")
            except UnreadablePostError:
                return problem(400, "The message is incomplete. Nothing was stored.")
            except InvalidSignature as error:
                return problem(401, str(error))
            except RepeatedMessage as error:
                return problem(409, str(error), code="repeated")
            if status >= 400:
                detail = str(content.pop("detail", "This is not possible."))
                return problem(status, detail, **content)
            return JsonResponse(content, status=status)

        return login_not_required(never_cache(csrf_exempt(require_POST(inner))))

    return decorate


def malformed(errors: Mapping[str, Any]) -> Answer:
    """Return the answer to a message with invalid fields."""
    details = {name: [str(message) for message in messages] for name, messages in errors.items()}
    return 422, {"detail": "The message has invalid fields.", "errors": details}

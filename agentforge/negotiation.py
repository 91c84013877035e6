"""JSON for scripts at the URLs of pages (law 8).

Request: a body of `Content-Type: application/json` is one object whose names are the form's fields; omitted
fields keep their values. Response: `{"success": bool, "errors": {field: [message, …]}}`, if `Accept` prefers
JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.conf import settings
from django.core.exceptions import BadRequest, RequestDataTooBig
from django.forms import BaseForm
from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse, JsonResponse

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)

WHOLE_BODY = "__all__"
_MOST_DIGITS = 100


def is_json(request: HttpRequest) -> bool:
    """Return whether a request's body is JSON."""
    return request.content_type == "application/json"


def wants_json(request: HttpRequest) -> bool:
    """Return whether to respond in JSON: if Accept prefers it, or the body is JSON."""
    preferred = request.get_preferred_type(["text/html", "application/json"])
    return preferred == "application/json" or (is_json(request) and not request.accepts("text/html"))


def json_value(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises ValueError for invalid JSON, NaN and infinity, endless whole numbers, and duplicate names in an
    object.
    """
    return json.loads(
        text,
        parse_constant=_refuse_constant,
        parse_float=_finite,
        parse_int=_whole_number,
        object_pairs_hook=_object,
    )


class JsonObject(dict[str, Any]):
    """What a request's JSON body holds; forms refuse what is of the wrong kind in it (json_forms.py)."""


def json_object(request: HttpRequest) -> JsonObject:
    """Return a request's JSON object.

    Raises BadRequest, with a message for the sender, for anything else.
    """
    try:
        value = json_value(request.body)
    except RequestDataTooBig as error:
        most = (settings.DATA_UPLOAD_MAX_MEMORY_SIZE or 0) / 1024 / 1024
        raise BadRequest(f"A JSON body may have {most:g} MB. Send files as multipart/form-data.") from error
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return JsonObject(value)


def posted(request: HttpRequest) -> Mapping[str, Any] | None:
    """Return the data of a POST for a form, in either format; None for other methods.

    Raises BadRequest as `json_object` does.
    """
    if request.method != "POST":
        return None
    return json_object(request) if is_json(request) else request.POST


def _whole_number(digits: str) -> int:
    # Forms say which value is too large; beyond this, not even a float holds it.
    if len(digits) > _MOST_DIGITS:
        raise ValueError("a number has too many digits")
    return int(digits)


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError(f"{digits[:20]} is too large a number")
    return number


def refuse_duplicates(names: Iterable[Hashable]) -> None:
    """Raise ValueError for the first duplicate name."""
    seen: set[Hashable] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name!r} appears twice")
        seen.add(name)


def replace_errors(form: BaseForm, messages: dict[str, str]) -> None:
    """Replace the errors of each named field, even one unknown to the form, with one message."""
    for name, message in messages.items():
        form.errors[name] = ErrorList([message])


def success(status: int = 200, /, **content: Any) -> JsonResponse:
    """Return a success response with further content."""
    return JsonResponse({"success": True, "errors": {}, **content}, status=status)


def failure(errors: dict[str, list[str]], status: int = 422) -> JsonResponse:
    """Return a failure response: nothing was changed, with messages by field."""
    return JsonResponse({"success": False, "errors": errors}, status=status)


def form_failure(form: BaseForm, status: int = 422) -> JsonResponse:
    """Return a failure response with a form's errors."""
    return failure({name: [str(text) for text in errors] for name, errors in form.errors.items()}, status)


def negotiated(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """Answer a malformed JSON body with 400 in JSON, and let the response vary by Accept."""

    @wraps(view)
    def inner(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except BadRequest as error:
            if not wants_json(request):
                raise
            response = failure({WHOLE_BODY: [str(error)]}, status=400)
        except UnicodeEncodeError:
            # JSON can contain text that no page can show; its sender can read a JSON response.
            if not is_json(request):
                raise
            response = failure({WHOLE_BODY: ["The body contains half of a surrogate pair."]})
        response.headers.setdefault("Vary", "Accept, Cookie, HX-Request")
        return response

    # Read by the tests of the OpenAPI document.
    cast(Any, inner).speaks_json = True
    return inner


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    refuse_duplicates(name for name, _ in pairs)
    return dict(pairs)

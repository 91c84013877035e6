"""Let a script do at the same URL what a browser does: JSON in, JSON out (law 8).

In: a body of `Content-Type: application/json` is one object whose names are the form's fields; what it leaves
out keeps its value. Out: `{"success": bool, "errors": {field: [message, …]}}`, when `Accept` prefers JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar, cast

from django.core.exceptions import BadRequest
from django.forms import BaseForm
from django.forms.utils import ErrorList
from django.http import HttpRequest, HttpResponse, JsonResponse

P = ParamSpec("P")
R = TypeVar("R", bound=HttpRequest)

WHOLE_BODY = "__all__"


def is_json(request: HttpRequest) -> bool:
    """Return whether a request's body is JSON."""
    return request.content_type == "application/json"


def wants_json(request: HttpRequest) -> bool:
    """Return whether to answer in JSON: asked for by Accept, or in return for a JSON body."""
    preferred = request.get_preferred_type(["text/html", "application/json"])
    return preferred == "application/json" or (is_json(request) and not request.accepts("text/html"))


def json_value(text: str | bytes) -> Any:
    """Return the value of a JSON text.

    Raises ValueError for what is no JSON, for NaN and infinity, and for a name that an object holds twice.
    """
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_object)


def json_object(request: HttpRequest) -> dict[str, Any]:
    """Return a request's JSON object.

    Raises BadRequest, in words for the sender, for anything else.
    """
    try:
        value = json_value(request.body)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"The body is not JSON: {error}") from error
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object.")
    return value


def posted(request: HttpRequest) -> Mapping[str, Any] | None:
    """Return what a POST sent for a form, in whichever format; None for another method.

    Raises BadRequest as `json_object` does.
    """
    if request.method != "POST":
        return None
    return json_object(request) if is_json(request) else request.POST


def refuse_duplicates(names: Iterable[Hashable]) -> None:
    """Raise ValueError naming the first name that stands twice."""
    seen: set[Hashable] = set()
    for name in names:
        if name in seen:
            raise ValueError(f"{name!r} stands here twice")
        seen.add(name)


def replace_errors(form: BaseForm, messages: dict[str, str]) -> None:
    """Say of each named field, known to the form or not, this one message only."""
    for name, message in messages.items():
        form.errors[name] = ErrorList([message])


def success(status: int = 200, /, **content: Any) -> JsonResponse:
    """Answer that it worked, with what a script wants to know of it."""
    return JsonResponse({"success": True, "errors": {}, **content}, status=status)


def failure(errors: dict[str, list[str]], status: int = 422) -> JsonResponse:
    """Answer that nothing was changed, with the messages by field."""
    return JsonResponse({"success": False, "errors": errors}, status=status)


def form_failure(form: BaseForm, status: int = 422) -> JsonResponse:
    """Answer with a form's messages by field."""
    return failure({name: [str(message) for message in found] for name, found in form.errors.items()}, status)


def negotiated(
    view: Callable[Concatenate[R, P], HttpResponse],
) -> Callable[Concatenate[R, P], HttpResponse]:
    """Answer a malformed JSON body with 400 in JSON, and mark that the answer depends on Accept."""

    @wraps(view)
    def inner(request: R, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            response = view(request, *args, **kwargs)
        except BadRequest as error:
            if not wants_json(request):
                raise
            response = failure({WHOLE_BODY: [str(error)]}, status=400)
        except UnicodeEncodeError:
            # JSON can hold what no page can show again; whoever sent it can read JSON.
            if not is_json(request):
                raise
            response = failure({WHOLE_BODY: ["The body holds half of a surrogate pair, which is no text."]})
        response.headers.setdefault("Vary", "Accept, Cookie, HX-Request")
        return response

    # The tests of the OpenAPI document ask for it.
    cast(Any, inner).speaks_json = True
    return inner


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    refuse_duplicates(name for name, _ in pairs)
    return dict(pairs)

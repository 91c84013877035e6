"""Write down what may come back: the success of an operation, and the refusals that all share."""

from __future__ import annotations

from typing import Any

from .operations import Operation
from .schemas import INTEGER, STRING, Schema, array, mapping, record

# RFC 9457 lets a problem have further members.
_PROBLEM = {
    **record({"type": STRING, "title": STRING, "status": INTEGER, "detail": STRING}),
    "additionalProperties": True,
}
_FAILURE = record({"success": {"const": False}, "errors": mapping(array(STRING))})

COMPONENTS: dict[str, Any] = {
    "securitySchemes": {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the identity service; of a local one: manage.py access_token.",
        }
    },
    "schemas": {"Problem": _PROBLEM, "Failure": _FAILURE},
}
_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_FAILURE_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
_RETRY = {"headers": {"Retry-After": {"schema": INTEGER, "description": "seconds"}}}


def responses(operation: Operation, *, in_path: bool, posts: bool, limited: str) -> dict[str, Any]:
    """Return the responses of an operation by status."""
    found = {
        str(operation.status): {"description": "It worked.", **_success(operation)},
        "401": _problem("The bearer token is missing, wrong or expired."),
        "503": {**_problem("A service that this needs does not answer."), **_RETRY},
    }
    if operation.media:
        found["304"] = {"description": "It is what If-None-Match names."}
    if not operation.public:
        found["403"] = _problem("A second factor is needed, or a CSRF token where the session is a cookie's.")
    if in_path or operation.note:
        found["404"] = _problem("There is no such thing here, or it is somebody else's.")
    if posts:
        both = {**_FAILURE_CONTENT, **_PROBLEM_CONTENT}
        found["400"] = {"description": "The body is not a JSON object.", "content": both}
    if posts or operation.query is not None:
        found["422"] = {
            "description": "Nothing was changed: messages by field.",
            "content": _FAILURE_CONTENT,
        }
    if operation.refusable:
        both = {**_FAILURE_CONTENT, **_PROBLEM_CONTENT}
        found["409"] = {"description": "The state of things forbids it.", "content": both}
    for status, description in operation.refusals.items():
        found[str(status)] = _problem(description)
    if operation.ends:
        found["204"] = {"description": operation.ends}
    if limited:
        found["429"] = {**_problem(f"Too many {limited} within ten minutes."), **_RETRY}
    return dict(sorted(found.items()))


def _success(operation: Operation) -> dict[str, Any]:
    if operation.media:
        return {"content": {operation.media: {"schema": operation.document or STRING}}}
    schema: Schema = operation.document or record(
        {"success": {"const": True}, "errors": {"type": "object", "maxProperties": 0}, **operation.answer}
    )
    return {"content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": _PROBLEM_CONTENT}

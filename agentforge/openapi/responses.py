"""The responses of an operation: its success, and the errors that all operations share."""

from __future__ import annotations

from typing import Any

from .operations import Operation
from .schemas import INTEGER, STRING, Schema, array, mapping, record

# RFC 9457 allows further members.
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
            "description": "An access token of the identity service; locally: manage.py access_token.",
        }
    },
    "schemas": {"Problem": _PROBLEM, "Failure": _FAILURE},
}
_PROBLEM_CONTENT = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_FAILURE_CONTENT = {"application/json": {"schema": {"$ref": "#/components/schemas/Failure"}}}
_RETRY = {"headers": {"Retry-After": {"schema": INTEGER, "description": "seconds"}}}


def responses(operation: Operation, *, in_path: bool, posts: bool, limited: str) -> dict[str, Any]:
    """Return the responses of an operation by status."""
    result = {
        str(operation.status): {"description": "Success.", **_success(operation)},
        "401": _problem("The bearer token is missing, invalid or expired."),
        "503": {**_problem("A required service does not answer."), **_RETRY},
    }
    if operation.media:
        result["304"] = {"description": "Not modified: it matches If-None-Match."}
    if posts or not operation.public:
        result["403"] = _problem("A second factor is required, or a CSRF token with a session cookie.")
    if in_path or operation.note:
        result["404"] = _problem("It does not exist, or belongs to another user.")
    if posts:
        both = {**_FAILURE_CONTENT, **_PROBLEM_CONTENT}
        result["400"] = {"description": "The body is not a JSON object.", "content": both}
    if posts or operation.query is not None:
        result["422"] = {
            "description": "Nothing was changed: error messages by field.",
            "content": _FAILURE_CONTENT,
        }
    if operation.refusable:
        both = {**_FAILURE_CONTENT, **_PROBLEM_CONTENT}
        result["409"] = {"description": "The current state does not allow it.", "content": both}
    for status, description in operation.refusals.items():
        result[str(status)] = _problem(description)
    if operation.ends:
        result["204"] = {"description": operation.ends}
    many = (
        f"Too many {limited} within ten minutes, or at once."
        if limited
        else "Too much at once, or too often."
    )
    content = {**_FAILURE_CONTENT, **_PROBLEM_CONTENT} if posts else _PROBLEM_CONTENT
    result["429"] = {"description": many, "content": content, **_RETRY}
    return dict(sorted(result.items()))


def _success(operation: Operation) -> dict[str, Any]:
    if operation.media:
        json = {"application/json": {"schema": operation.or_json}} if operation.or_json else {}
        return {"content": {operation.media: {"schema": operation.document or STRING}, **json}}
    schema: Schema = operation.document or record(
        {"success": {"const": True}, "errors": {"type": "object", "maxProperties": 0}, **operation.answer}
    )
    return {"content": {"application/json": {"schema": schema}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": _PROBLEM_CONTENT}

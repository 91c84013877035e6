"""Conditional requests and ranges of a download: RFC 9110, sections 13 and 14."""

from __future__ import annotations

import re
from http import HTTPStatus

from agentforge.http import Request

# Several ranges at once (multipart/byteranges) are not served: the client gets the whole file.
_SINGLE = re.compile(r"bytes[ \t]*=[ \t,]*(\d*)-(\d*)[ \t,]*", re.IGNORECASE | re.ASCII)
# More digits than any size has; int() is slow with thousands, and then refuses.
_DIGITS = 18


class Unsatisfiable(Exception):
    """The range begins after the end of the file, or asks for its last 0 bytes."""


def precondition(request: Request, tag: str) -> HTTPStatus | None:
    """Return 412 or 304 if a condition of the request ends it, for a file with a strong entity tag."""
    wanted = request.headers.get("If-Match")
    if wanted is not None and not _tags(wanted) & {tag, "*"}:
        return HTTPStatus.PRECONDITION_FAILED
    known = request.headers.get("If-None-Match", "")
    if {each.removeprefix("W/") for each in _tags(known)} & {tag, "*"}:
        return HTTPStatus.NOT_MODIFIED
    return None


def requested(request: Request, tag: str, size: int) -> range | None:
    """Return the bytes that a request asks for, None for all of them; raises Unsatisfiable.

    Only GET has ranges. What is no valid single range, or is meant for other bytes (If-Range), is ignored.
    """
    match = _SINGLE.fullmatch(request.headers.get("Range", "").strip())
    if match is None or request.method != "GET" or request.headers.get("If-Range", tag).strip() != tag:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size - _number(last)), size
    else:
        begin, end = _number(first), min(size, _number(last) + 1 if last else size)
        if last and _number(last) < begin:
            return None
    if begin >= size:
        raise Unsatisfiable
    return range(begin, end)


def _tags(header: str) -> set[str]:
    return {part.strip() for part in header.split(",")}


def _number(digits: str) -> int:
    significant = digits.lstrip("0") or "0"
    return int(significant) if len(significant) <= _DIGITS else 10**_DIGITS

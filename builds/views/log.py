"""Show a build's log: a page of it, any range, what a search finds, and as plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_GET, require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, success, wants_json
from builds import reports
from builds.forms import LogRangeForm, LogSearchForm
from builds.logs import pages
from builds.logs.index import Index, Line, index_of, read_lines
from builds.logs.search import search

from .pages import build_of
from .responses import streamed


@require_safe
@negotiated
def build_log_lines(request: Request, pk: int) -> HttpResponse:
    """Answer a script with a range of lines, a browser with the page of the log that it is on."""
    build = build_of(request, pk)
    form = LogRangeForm(request.GET)
    if not form.is_valid():
        return form_failure(form)
    asked = form.cleaned_data
    index = index_of(build.stream_name)
    if not wants_json(request):
        page = pages.page_of(index, asked["first"])
        return redirect(f"{build.get_absolute_url()}?page={page}#L{asked['first']}")
    found = read_lines(index, asked["first"], asked["last"], part=asked["part"], errors=asked["errors"])
    return success(log=_summary(index), lines=[_line(line) for line in found])


@require_GET
@negotiated
@rate_limited("searches", method="GET")
def build_log_search(request: Request, pk: int) -> HttpResponse:
    """Search the whole log."""
    build = build_of(request, pk)
    form = LogSearchForm(request.GET)
    index = index_of(build.stream_name)
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else redirect(build)
    words = form.cleaned_data["q"]
    found = search(index, words, errors=form.cleaned_data["errors"] and wants_json(request))
    if wants_json(request):
        hits = [[line["n"], line["part"], line["i"]] for line in found.lines]
        return success(position=index.position, total=found.total, hits=hits)
    shown = [{**line, "page": str(pages.page_at(index, line))} for line in found.lines[: pages.PAGE_LINES]]
    context = {"build": build, "agent": build.revision.agent, "words": words, "found": found, "tab": "builds"}
    return render(request, "builds/log_search.html", {**context, "lines": pages.with_spans(shown)})


@require_safe
def build_log_text(request: Request, pk: int) -> HttpResponseBase:
    """Stream a build's log as plain text, to look at or (`?download`) to keep."""
    build = build_of(request, pk)
    pieces: Iterator[bytes] = (line.encode() for line in reports.log_text(build))
    response = streamed(request, pieces, "text/plain; charset=utf-8")
    if "download" in request.GET:
        response["Content-Disposition"] = f'attachment; filename="build-{build.pk}.log"'
    return response


def _summary(index: Index) -> dict[str, Any]:
    return {
        "position": index.position,
        "ended": index.ended,
        "lines": index.lines,
        "first_error": index.first_error,
        "parts": [
            {"part": part.number, "name": part.name, "state": part.state, "ms": part.ms}
            | {"lines": part.lines, "stderr": part.errors}
            for part in index.parts
        ],
    }


def _line(line: Line) -> Line:
    kept = {key: line[key] for key in ("n", "part", "i", "t", "stream", "text")}
    return {**kept, "section": line.get("section", ""), "mark": bool(line.get("mark"))}

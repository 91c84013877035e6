"""A build's log: any range of lines, a search, and the plain text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from agentforge.accounts.throttling.rate_limits import rate_limited
from agentforge.http import Request
from agentforge.negotiation import form_failure, negotiated, success, wants_json
from agentforge.streaming import streamed
from builds import reports
from builds.forms import LogRangeForm, LogSearchForm
from builds.logs import pages
from builds.logs.index import Index, Line, index_of, read_lines
from builds.logs.search import search

from .pages import build_of


@require_safe
@negotiated
def build_log_lines(request: Request, pk: int) -> HttpResponse:
    """Return a range of lines to scripts; redirect browsers to the page that shows it."""
    build = build_of(request, pk)
    form = LogRangeForm(request.GET)
    if not form.is_valid():
        return form_failure(form)
    query = form.cleaned_data
    index = index_of(build.stream_name)
    if not wants_json(request):
        page = pages.page_of(index, query["first"])
        return redirect(f"{build.get_absolute_url()}?page={page}#L{query['first']}")
    lines = read_lines(index, query["first"], query["last"], part=query["part"], errors=query["errors"])
    return success(log=_summary(index), lines=[_line(line) for line in lines])


@require_safe
@negotiated
@rate_limited("searches", method="GET")
def build_log_search(request: Request, pk: int) -> HttpResponse:
    build = build_of(request, pk)
    form = LogSearchForm(request.GET)
    index = index_of(build.stream_name)
    if not form.is_valid():
        return form_failure(form) if wants_json(request) else redirect(build)
    words = form.cleaned_data["q"]
    result = search(index, words, errors=form.cleaned_data["errors"] and wants_json(request))
    if wants_json(request):
        hits = [[line["n"], line["part"], line["i"]] for line in result.lines]
        return success(position=index.position, total=result.total, hits=hits)
    page_url = f"{build.get_absolute_url()}?page="
    shown = result.lines[: pages.PAGE_LINES]
    context = {
        "build": build,
        "agent": build.revision.agent,
        "words": words,
        "found": result,
        "lines": [{**line, "page": f"{page_url}{pages.page_at(index, line)}"} for line in shown],
        "started": index.started,
        "tab": "builds",
    }
    return render(request, "builds/log_search.html", context)


@require_safe
def build_log_text(request: Request, pk: int) -> HttpResponseBase:
    """Stream a build's log as plain text; `?download` makes it an attachment."""
    build = build_of(request, pk)
    pieces: Iterator[bytes] = (lines.encode() for lines in reports.log_text(build))
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
    fields = {key: line[key] for key in ("n", "part", "i", "t", "stream", "text")}
    return {**fields, "section": line.get("section", ""), "mark": bool(line.get("mark"))}

"""Pagination of very long lists, without counting all rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from django import forms
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse

from .negotiation import form_failure, success, wants_json
from .whole_numbers import whole_number

PAGE_SIZE = 50
# One more than a page, which tells whether there is another one.
FIRST = PAGE_SIZE + 1
# How many pages after the requested one are counted.
PAGES_AHEAD = 20
_LARGEST_PAGE = 1_000_000

Row = TypeVar("Row", bound=Model)


# Django's class is generic in its type stubs only.
if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class PageForm(forms.Form):
    """The number of a page; lists that take more fields add them in a subclass."""

    page = forms.IntegerField(required=False, min_value=1, max_value=_LARGEST_PAGE)


def refusal_of(form: forms.Form, request: HttpRequest) -> HttpResponse | None:
    """Return the response to a script whose query is wrong; people get a page that ignores it."""
    return form_failure(form) if not form.is_valid() and wants_json(request) else None


class BoundedPaginator(_Paginator):
    """Counts at most PAGES_AHEAD pages after the requested one; `has_more` is set if there are others.

    Every page keeps its number, however many rows there are. `first` are the first FIRST rows, where they
    were read already: no more is asked for if they are all.
    """

    def __init__(self, rows: QuerySet[Any], number: str | None, first: Sequence[Any] | None = None) -> None:
        super().__init__(rows, PAGE_SIZE)
        self._first = first
        if first is not None and len(first) < FIRST:
            self.count, self.has_more = len(first), False
            return
        page = whole_number(number or "") or 1
        counted = (min(page, _LARGEST_PAGE) + PAGES_AHEAD) * PAGE_SIZE
        # Unordered: which rows are counted does not matter, so none has to be sorted.
        count = rows.order_by().values("pk")[: counted + 1].count()
        self.count = min(count, counted)
        self.has_more = count > counted

    def page(self, number: int | str) -> Page[Any]:
        page = super().page(number)
        if page.number == 1 and self._first is not None:
            page.object_list = self._first[:PAGE_SIZE]
        return page


def page_success(request: HttpRequest, page: Page[Any], **content: Any) -> HttpResponse:
    """Return a script's page of a list; its header `Link` names the pages beside it (RFC 8288)."""
    response = success(**content)
    beside = {"next": page.number + 1 if page.has_next() else 0, "prev": page.number - 1}
    links = [f'<{_address(request, number)}>; rel="{rel}"' for rel, number in beside.items() if number]
    if links:
        response["Link"] = ", ".join(links)
    return response


def _address(request: HttpRequest, number: int) -> str:
    query = request.GET.copy()
    query["page"] = str(number)
    return request.build_absolute_uri(f"{request.path}?{query.urlencode()}")


def page_of(rows: QuerySet[Row], number: str | None, first: Sequence[Row] | None = None) -> Page[Row]:
    """Return the page with that number, or the nearest one; `first` as BoundedPaginator takes it."""
    return BoundedPaginator(rows, number, first).get_page(number)

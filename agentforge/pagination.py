"""Page through lists that may be very long: showing the newest of a million rows must not count them all."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet

PAGE_SIZE = 50
# How many pages behind the one that is asked for are counted.
PAGES_AHEAD = 20
_LARGEST_PAGE = 1_000_000

Row = TypeVar("Row", bound=Model)


# Django's class takes a parameter in its type stubs only.
if TYPE_CHECKING:
    _Paginator = Paginator[Any]
else:
    _Paginator = Paginator


class BoundedPaginator(_Paginator):
    """Count only as far as PAGES_AHEAD pages behind the page that is asked for; `has_more` tells of others.

    Every page keeps its number, however many rows there are.
    """

    def __init__(self, rows: QuerySet[Any], asked: str | None) -> None:
        super().__init__(rows, PAGE_SIZE)
        page = int(asked) if asked and asked.isascii() and asked.isdigit() and len(asked) < 10 else 1
        counted = (min(page, _LARGEST_PAGE) + PAGES_AHEAD) * PAGE_SIZE
        # In no order: which rows they are does not matter, so none has to be sorted.
        found = rows.order_by().values("pk")[: counted + 1].count()
        self.count = min(found, counted)
        self.has_more = found > counted


def page_of(rows: QuerySet[Row], asked: str | None) -> Page[Row]:
    """Return the page with that number, the nearest one when there is none such."""
    return BoundedPaginator(rows, asked).get_page(asked)

"""CSV: each row as its columns' names and values, by the rows as a spreadsheet numbers them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from .text import Extracted, Passage, Unreadable, clean

_DELIMITERS = ",;\t|"
_SAMPLE = 16 * 1024
_LONGEST_FIELD = 100_000


def table(text: str) -> Extracted:
    """Return the rows of a table whose first row names the columns. Raises Unreadable."""
    text = clean(text)
    csv.field_size_limit(_LONGEST_FIELD)
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text)))
    except csv.Error as error:
        raise Unreadable(f"This is no table of comma-separated values: {error}.") from error
    if not rows:
        return Extracted(())
    names = [" ".join(name.split()) for name in rows[0]]
    return Extracted(tuple(_passages(names, rows[1:])) or _header(names), table=_whole([names, *rows[1:]]))


def _passages(names: list[str], rows: list[list[str]]) -> Iterator[Passage]:
    for number, row in enumerate(rows, start=2):
        cells = [" ".join(cell.split()) for cell in row]
        named = [
            f"{names[index]}: {cell}" if index < len(names) and names[index] else cell
            for index, cell in enumerate(cells)
            if cell
        ]
        if named:
            yield Passage("; ".join(named), unit="row", first=number, last=number)


def _whole(rows: list[list[str]]) -> str:
    """Return the table for queries, with commas and without empty rows."""
    output = io.StringIO(newline="")
    writer = csv.writer(output, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows(row for row in rows[1:] if any(cell.strip() for cell in row))
    return output.getvalue()


def _header(names: list[str]) -> tuple[Passage, ...]:
    return (Passage("; ".join(names), unit="row", first=1, last=1),) if any(names) else ()


def _delimiter(text: str) -> str:
    """Return what divides the first line most often: what is in quotation marks counts not."""
    line = text[:_SAMPLE].partition("\n")[0]
    outside = "".join(line.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)

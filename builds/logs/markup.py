"""Render the lines of a log as HTML; static/js/log/rows.js does the same for live lines.

In Python: a template that is included for each of a page's lines takes ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.utils.html import escape
from django.utils.safestring import SafeString

from .ansi import spans
from .index import Line


def lines_markup(lines: Sequence[Line], started: float | None = None) -> SafeString:
    """Render lines, each with `n`, `t` in epoch seconds, `stream` and `text`; see read_lines for the others.

    `started` is the time of the log's first line; by default it is among these. A line's `page` is the
    address of the page that shows it, by default this one.
    """
    if started is None and lines:
        started = lines[0]["t"]
    return SafeString("".join(_markup(line, started or 0.0) for line in lines))


def _markup(line: Line, started: float) -> str:
    number, at = int(line["n"]), float(line["t"])
    place, mark = escape(line.get("i", "")), " data-mark" if line.get("mark") else ""
    clock = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[11:23]
    return (
        f'<div class="log-line" id="L{number}" data-n="{number}" data-i="{place}"'
        f' data-stream="{escape(line["stream"])}" data-t="{at:.3f}"{mark}>'
        f'<a class="log-n" href="{escape(line.get("page", ""))}#L{number}">{number}</a>'
        f'<time class="log-time" title="{at - started:.2f} s after the first line">{clock}</time>'
        f'<span class="log-text" dir="auto">{_text(line["text"])}</span></div>\n'
    )


def _text(text: str) -> str:
    """Return the text of a line, escaped, with its coloured spans as elements."""
    return "".join(
        f'<span class="{escape(style)}">{escape(piece)}</span>' if style else escape(piece)
        for piece, style in spans(text)
    )

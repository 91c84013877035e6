"""HTML: what a reader sees of a page, by the headings above it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from .text import Extracted, Passage, clean, heading_path

_UNSEEN = frozenset(
    ("script", "style", "template", "noscript", "svg", "math", "iframe", "object", "head", "nav")
)
_HEADINGS = {f"h{level}": level for level in range(1, 7)}
_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr")
)
_INLINE = frozenset(
    (
        *(
            "a",
            "abbr",
            "b",
            "bdi",
            "bdo",
            "cite",
            "code",
            "data",
            "del",
            "dfn",
            "em",
            "i",
            "ins",
            "kbd",
            "label",
        ),
        *(
            "mark",
            "q",
            "s",
            "samp",
            "small",
            "span",
            "strong",
            "sub",
            "sup",
            "time",
            "u",
            "var",
            "wbr",
            "font",
        ),
    )
)
_ITEMS = frozenset(("li", "tr", "td", "th", "dt", "dd", "option"))
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0", re.IGNORECASE)


def html(text: str) -> Extracted:
    """Return the paragraphs of a page; scripts, navigation and what is hidden are left out."""
    reader = _Reader()
    reader.feed(clean(text))
    reader.close()
    reader.end_paragraph()
    return Extracted(tuple(reader.passages), title=" ".join("".join(reader.title).split()))


class _Reader(HTMLParser):
    """Collects paragraphs between the tags of blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.passages: list[Passage] = []
        self.title: list[str] = []
        self._headings: list[tuple[int, str]] = []
        self._text: list[str] = []
        # Open elements, each with whether it is not seen.
        self._open: list[tuple[str, bool]] = []
        self._in_title = False
        self._verbatim = 0

    @property
    def _is_unseen(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._in_title = tag == "title"
        if tag not in _INLINE:
            self._separate(tag)
            self._close_before(tag)
        if tag not in _VOID:
            unseen = self._is_unseen or tag in _UNSEEN or _is_hidden(dict(attrs))
            self._open.append((tag, unseen))
            self._verbatim += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        self._in_title = False
        if tag in _HEADINGS and not self._is_unseen:
            self._end_heading(_HEADINGS[tag])
        elif tag not in _INLINE:
            self._separate(tag)
        names = [name for name, _ in self._open]
        if tag in names:
            # An end tag closes what was left open in it.
            at = len(names) - 1 - names[::-1].index(tag)
            self._verbatim -= names[at:].count("pre")
            del self._open[at:]

    def _close_before(self, tag: str) -> None:
        """Close what needs no end tag: a paragraph ends where a block begins, an item with the next."""
        if self._open and (self._open[-1][0] == "p" or (self._open[-1][0] == tag and tag in _ITEMS)):
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title.append(data)
        elif not self._is_unseen:
            self._text.append(data if self._verbatim else re.sub(r"\s+", " ", data))

    def _separate(self, tag: str) -> None:
        if tag == "br":
            self._text.append("\n")
        elif tag in ("td", "th"):
            self._text.append(" | " if "".join(self._text).strip() else "")
        elif tag in ("tr", "li", "dt", "dd", "option"):
            self._text.append("\n")
        elif tag not in ("table", "tbody", "thead", "tfoot", "ul", "ol", "dl") or not self._text:
            self.end_paragraph()

    def end_paragraph(self) -> None:
        lines = ("".join(self._text)).split("\n")
        if not self._verbatim:
            lines = [line.strip().strip("|").strip() for line in lines]
        text = "\n".join(line.rstrip() for line in lines if line.strip())
        self._text = []
        if text:
            self.passages.append(Passage(text, heading_path(each for _, each in self._headings)))

    def _end_heading(self, level: int) -> None:
        heading = " ".join("".join(self._text).split())
        self._text = []
        if heading:
            self._headings = [*(each for each in self._headings if each[0] < level), (level, heading)]


def _is_hidden(attributes: dict[str, str | None]) -> bool:
    return (
        "hidden" in attributes
        or attributes.get("aria-hidden") == "true"
        or bool(_HIDDEN_STYLE.search(attributes.get("style") or ""))
    )

"""PDF: the text of each page, without the lines that all pages repeat."""

from __future__ import annotations

import io
import logging
import re
import unicodedata
from collections import Counter

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from .text import Extracted, Passage, Unreadable, clean

_MOST_PAGES = 10_000
# Lines on more than this share of the pages, at their top or bottom, are headers and footers.
_REPEATED, _FROM_PAGES, _EDGE = 0.6, 4, 2
_MOST_UNKNOWN = 0.05
_LINE_END_HYPHEN = re.compile(r"(?<=\w)[-\u00ad]\n(?=[a-zß-ÿ])")
_NUMBER = re.compile(r"\d+")
_PARAGRAPH = re.compile(r"\n\s*\n")


def pdf(data: bytes) -> Extracted:
    """Return the pages of a PDF document. Raises Unreadable, as for pictures of pages."""
    # It tells the log of every deviation; the result is what matters.
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    pages = _pages(data)
    texts = _without_edges([clean(unicodedata.normalize("NFKC", page)).strip() for page in pages])
    empty = sum(not text for text in texts)
    if texts and empty * 2 > len(texts):
        raise Unreadable(
            f"{empty} of its {len(texts)} pages hold no text: they are pictures, as of a scanner. "
            "Recognise their text first (OCR), then add the file again."
        )
    everything = "".join(texts)
    if everything.count("\ufffd") > len(everything) * _MOST_UNKNOWN:
        raise Unreadable(
            "Its fonts don't say which letters they show, so its text can't be read. Export it from its "
            "source again, or add it as text."
        )
    passages = [
        Passage(" ".join(paragraph.split("\n")), unit="page", first=number, last=number)
        for number, text in enumerate(texts, start=1)
        for paragraph in _PARAGRAPH.split(_LINE_END_HYPHEN.sub("", text))
        if paragraph.strip()
    ]
    notes = (f"{empty} of {len(texts)} pages hold no text.",) if empty else ()
    return Extracted(tuple(passages), notes=notes)


def _pages(data: bytes) -> list[str]:
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise Unreadable("It is protected by a password. Remove the password, then add it again.")
        if len(reader.pages) > _MOST_PAGES:
            raise Unreadable(f"It has {len(reader.pages)} pages, more than {_MOST_PAGES}. Divide it.")
        return [page.extract_text() for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError) as error:
        raise Unreadable(
            "It is damaged, or no PDF document. Open and export it again, then add it."
        ) from error


def _without_edges(pages: list[str]) -> list[str]:
    """Return the pages without the first and last lines that most of them share, whatever their numbers."""
    if len(pages) < _FROM_PAGES:
        return pages
    lines = [page.split("\n") for page in pages]
    counts = Counter(key for each in lines for key in {_key(line) for line in _edges(each)} if key)
    repeated = {key for key, count in counts.items() if count > len(pages) * _REPEATED}
    return ["\n".join(_trimmed(each, repeated)).strip() for each in lines]


def _edges(lines: list[str]) -> list[str]:
    return [*lines[:_EDGE], *lines[-_EDGE:]]


def _trimmed(lines: list[str], repeated: set[str]) -> list[str]:
    kept = list(lines)
    for _ in range(_EDGE):
        if len(kept) > 1 and _key(kept[0]) in repeated:
            kept.pop(0)
        if len(kept) > 1 and _key(kept[-1]) in repeated:
            kept.pop()
    return kept


def _key(line: str) -> str:
    return _NUMBER.sub("#", " ".join(line.split()))

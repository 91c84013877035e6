"""The kinds of files that can be read, by the ends of their names."""

from __future__ import annotations

from .html import html
from .plain import markdown, plain_text
from .table import table
from .text import Extracted, Unreadable

TEXT, MARKDOWN, HTML, CSV, PDF = "text", "markdown", "html", "csv", "pdf"
KINDS = {
    "txt": TEXT,
    "text": TEXT,
    "md": MARKDOWN,
    "markdown": MARKDOWN,
    "html": HTML,
    "htm": HTML,
    "csv": CSV,
    "tsv": CSV,
    "pdf": PDF,
}
_OF_TEXT = {TEXT: plain_text, MARKDOWN: markdown, HTML: html, CSV: table}
_MARKS = ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig"))


def kind_of(name: str) -> str | None:
    """Return the kind of a file by its name, or None if it can't be read."""
    return KINDS.get(name.rpartition(".")[2].lower()) if "." in name else None


def endings() -> str:
    """Return how the names of files end that can be read, in words."""
    *some, last = (f".{ending}" for ending in KINDS)
    return f"{', '.join(some)} or {last}"


def extract(kind: str, data: bytes) -> Extracted:
    """Return the text of a file. Raises Unreadable, with the reason for its owner."""
    if kind == PDF:
        # Imported here: the other kinds need not wait for it.
        from .pdf import pdf

        extracted = pdf(data)
    else:
        extracted = _OF_TEXT[kind](_decoded(data))
    if not extracted.passages:
        raise Unreadable("It holds no text.")
    return extracted


def _decoded(data: bytes) -> str:
    """Return the text in UTF-8 or UTF-16, or else as older Windows programs write it. Raises Unreadable."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            try:
                return data.decode(encoding)
            except UnicodeDecodeError as error:
                raise Unreadable(
                    f"It begins as {encoding.upper()} but does not go on so. Save it as UTF-8."
                ) from error
    if b"\0" in data:
        raise Unreadable("It is not a text file. Its name's ending may be wrong.")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")

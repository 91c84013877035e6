"""What is extracted of a file: passages, each with the headings above it and its place in the file."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

# A passage is found, shown to the model and cited as a whole: about 200 to 400 tokens of English.
USUAL, LONGEST = 1200, 1800
# Deeper or longer ones would be unwieldy in a citation.
_LONGEST_PLACE = 120
# A sentence or a line, with what divides it from the next.
_SENTENCE = re.compile(r".+?(?:[.!?\u2026][\"')\u201d\u2019]*\s+|[\u3002\uff01\uff1f]|\n+|$)", re.DOTALL)
# What is not seen, and so can't be meant for a reader: controls, directions, tags, byte order marks.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]"
)


class Unreadable(Exception):
    """The file's text can't be extracted; `str()` says why, for its owner."""


@dataclass(frozen=True)
class Passage:
    """A piece of text; `unit` counts `first` to `last`: page, row or line, or nothing below headings.

    An `whole` passage, such as a table or code, is divided only if it is too long.
    """

    text: str
    heading: str = ""
    unit: str = ""
    first: int = 0
    last: int = 0
    whole: bool = False

    @property
    def place(self) -> str:
        """Return what a citation says: `Returns > Refunds`, `page 3`, `rows 2-14`; empty for a whole file."""
        if not self.unit:
            return _shortened(self.heading)
        if self.first == self.last:
            return f"{self.unit} {self.first}"
        return f"{self.unit}s {self.first}-{self.last}"


@dataclass(frozen=True)
class Extracted:
    """The passages of a file; `title` is what it calls itself, `table` a table whole as CSV."""

    passages: tuple[Passage, ...]
    title: str = ""
    notes: tuple[str, ...] = field(default=())
    table: str = ""

    def chunks(self) -> list[dict[str, str]]:
        """Return the passages divided and joined to a length that suits a search."""
        return [
            {"heading": each.heading, "place": each.place, "text": each.text}
            for each in _joined(_divided(self.passages))
        ]


def clean(text: str) -> str:
    """Return text as a reader sees it: composed letters, plain ends of lines, nothing invisible."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _INVISIBLE.sub("", unicodedata.normalize("NFC", lines))


def heading_path(headings: Iterable[str]) -> str:
    """Return headings as one path, without what delimits a citation."""
    return " > ".join(filter(None, (_citable(each) for each in headings)))


def _citable(text: str) -> str:
    return " ".join(text.replace("[", "(").replace("]", ")").replace(";", ",").split())


def _shortened(place: str) -> str:
    if len(place) <= _LONGEST_PLACE:
        return place
    last = place.rpartition(" > ")[2]
    return last if len(last) <= _LONGEST_PLACE else last[: _LONGEST_PLACE - 1].rstrip() + "…"


def _divided(passages: Iterable[Passage]) -> Iterator[Passage]:
    for passage in passages:
        if len(passage.text) <= LONGEST:
            yield passage
        else:
            yield from (replace(passage, text=part, whole=True) for part in _parts(passage.text))


def _parts(text: str) -> Iterator[str]:
    """Divide a long text at its sentences, or else at words, or else anywhere."""
    part = ""
    for sentence in _SENTENCE.findall(text):
        for piece in _pieces(sentence):
            if part and len(part) + len(piece) > USUAL:
                yield part.strip()
                part = ""
            part += piece
    if part.strip():
        yield part.strip()


def _pieces(sentence: str) -> Iterator[str]:
    while len(sentence) > USUAL:
        at = sentence.rfind(" ", USUAL // 2, USUAL) + 1 or USUAL
        yield sentence[:at]
        sentence = sentence[at:]
    yield sentence


def _joined(passages: Iterable[Passage]) -> Iterator[Passage]:
    """Join short neighbours below the same headings, or on the same page."""
    current: Passage | None = None
    for passage in passages:
        if current is not None and _belong(current, passage):
            text = (
                f"{current.text}\n\n{passage.text}"
                if current.unit != "row"
                else f"{current.text}\n{passage.text}"
            )
            current = replace(current, text=text, last=passage.last)
            continue
        if current is not None:
            yield current
        current = passage
    if current is not None:
        yield current


def _belong(one: Passage, two: Passage) -> bool:
    near = (one.heading, one.unit) == (two.heading, two.unit) and (
        one.unit != "page" or one.first == two.first
    )
    return near and len(one.text) + len(two.text) <= USUAL

"""Blank secrets by their value wherever they might come out: whole, encoded, or in pieces.

A secret is looked for as it is and in the forms that programs print it in: base64 in its three alignments and
two alphabets, hex, percent-encoded, and escaped as JSON, by Python or by Go.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

BLANK = "•••"
# Shorter values are words, and blanking them would blank half a log.
SHORTEST = 6
# So many characters of a secret are too many to be seen; twice as many of an encoded one.
_KEY = 4
# What is left of base64 behind the characters that the secret alone determines.
_BASE64_REST = "[A-Za-z0-9+/_-]{0,2}={0,2}"
_URL_ALPHABET = str.maketrans("+/", "-_")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|[ -/]+[0-~])")


def without_escapes(text: str) -> str:
    """Return a text without a terminal's escape sequences."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


class Redactor:
    """Blank every secret of at least SHORTEST characters in a text."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        plain = {part for value in secrets for part in _parts(value)}
        escaped = {form for secret in plain for form in _escaped(secret)} - plain
        encoded = {form for secret in plain for form in _base64(secret.encode(errors="replace"))}
        forms = plain | escaped | encoded
        self.starts = _Starts((form, form in plain) for form in forms)
        self.longest = max(map(len, forms), default=0)
        self._find: re.Pattern[str] | None = None
        if forms:
            parts = [_pattern(plain | escaped)] + ([_pattern(encoded) + _BASE64_REST] if encoded else [])
            self._find = re.compile("|".join(parts))

    def __call__(self, text: str) -> str:
        """Return a text without the secrets in it."""
        if self._find is None:
            return text
        if "\x1b" in text and self._find.search(bare := without_escapes(text)):
            # Colours may stand inside a secret, and a page puts its pieces together again.
            text = bare
        return self._find.sub(BLANK, text)

    def within(self, value: Any) -> Any:
        """Return a JSON value without the secrets in its texts."""
        match value:
            case str():
                return self(value)
            case dict():
                return {self(str(key)): self.within(item) for key, item in value.items()}
            case list():
                return [self.within(item) for item in value]
            case _:
                return value

    def finds(self, text: str) -> bool:
        """Return whether a text without escape sequences holds a whole secret."""
        return self._find is not None and self._find.search(text) is not None

    def lines(self) -> LineRedactor:
        """Return a redactor for the consecutive lines of one output."""
        return LineRedactor(self)

    def pieces(self) -> PieceRedactor:
        """Return a redactor for the pieces of one text that streams in."""
        return PieceRedactor(self)

    def settled(self, text: str) -> int:
        """Return how much of a text can be told, whatever follows it."""
        starts = self.starts.at_end(text)
        cut = len(text) - (starts[0].length if starts else 0)
        if self._find is not None and cut < len(text):
            for found in self._find.finditer(text):
                if found.start() < cut < found.end():
                    return found.start()
        return cut


class LineRedactor:
    """Blank secrets in consecutive lines, also those that are wrapped over several; nothing is held back.

    Of a secret that is wrapped, no more than 3 characters are seen (7 of an encoded one).
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._begun: list[Start] = []
        self._tail = ""

    def many(self, texts: Sequence[str]) -> Sequence[str]:
        """Return the next lines without the secrets in them; much faster than one by one."""
        longest = self._redactor.longest
        if not longest:
            return texts
        joined = self._tail + "".join([without_escapes(text).strip() for text in texts])
        self._tail = joined[-longest:]
        if self._redactor.finds(joined):
            return [self(text) for text in texts]
        # There is no secret in them, but the last ones may begin one.
        first, length = len(texts), 0
        while first and length < longest:
            first -= 1
            length += len(texts[first].strip())
        if first:
            self._begun = []
        return [*texts[:first], *(self(text) for text in texts[first:])]

    def __call__(self, text: str) -> str:
        """Return the next line without the secrets in it."""
        if self._begun:
            text, inside = self._go_on(text)
            if inside:
                return text
        clean = self._redactor(text)
        bare = without_escapes(clean).rstrip()
        self._begun = self._redactor.starts.at_end(bare)
        for start in self._begun:
            if start.is_telling:
                return bare[: -start.length] + BLANK
        return clean

    def _go_on(self, text: str) -> tuple[str, bool]:
        """Blank what goes on from the line before; tell whether the line lies inside of a secret."""
        bare = without_escapes(text).strip()
        if not bare:
            return text, True
        inside = [start.longer(len(bare)) for start in self._begun if start.goes_on(bare)]
        if inside:
            self._begun = inside
            return BLANK if any(start.is_telling for start in inside) else text, True
        ended = max((len(start.rest) for start in self._begun if bare.startswith(start.rest)), default=0)
        return (BLANK + bare[ended:] if ended else text), False


class PieceRedactor:
    """Blank secrets in a text that comes in pieces; what may begin a secret waits for what follows it."""

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._held = ""

    def __call__(self, piece: str) -> str:
        """Return what can be shown now."""
        text = self._held + piece
        cut = self._redactor.settled(text)
        self._held = text[cut:]
        return self._redactor(text[:cut])

    def rest(self) -> str:
        """Return what still waits, now that nothing follows it."""
        held, self._held = self._held, ""
        return self._redactor(held)


@dataclass(frozen=True, slots=True)
class Start:
    """Name the beginning of a form: its first `length` characters."""

    form: str
    length: int
    is_plain: bool

    @property
    def rest(self) -> str:
        return self.form[self.length :]

    @property
    def is_telling(self) -> bool:
        """Return whether so much of a secret is too much to be seen."""
        return self.length >= (_KEY if self.is_plain else 2 * _KEY)

    def longer(self, more: int) -> Start:
        return Start(self.form, self.length + more, self.is_plain)

    def goes_on(self, text: str) -> bool:
        """Return whether a text is what follows, but not all of it."""
        return len(text) < len(self.form) - self.length and self.form.startswith(text, self.length)


class _Starts:
    """Find the proper beginnings of forms at the end of a text; almost every text costs one look-up."""

    def __init__(self, forms: Iterable[tuple[str, bool]]) -> None:
        # Beginnings are found by their last _KEY characters, shorter ones by themselves.
        self._by_end: dict[str, list[Start]] = {}
        for form, is_plain in forms:
            for length in range(1, len(form)):
                end = form[max(length - _KEY, 0) : length]
                self._by_end.setdefault(end, []).append(Start(form, length, is_plain))

    def at_end(self, text: str) -> list[Start]:
        """Return the beginnings at a text's end, the longest first."""
        by_end = self._by_end
        found = [start for start in by_end.get(text[-_KEY:], ()) if text.endswith(start.form[: start.length])]
        found.sort(key=lambda start: -start.length)
        for length in range(min(_KEY - 1, len(text) - 1), 0, -1):
            if text[-length:] in by_end:
                found += by_end[text[-length:]]
        return found


def _parts(value: str) -> Iterator[str]:
    """Yield a secret, or the lines of one that has several."""
    yield from (part for part in value.split() if len(part) >= SHORTEST)
    if len(value.strip()) >= SHORTEST:
        yield value.strip()


def _escaped(secret: str) -> Iterator[str]:
    """Yield a secret as hex, percent-encoded, and as a string of JSON, Python or Go."""
    data = secret.encode(errors="replace")
    yield data.hex()
    yield data.hex().upper()
    for form in (quote(secret, safe=""), quote(secret), quote_plus(secret)):
        yield form
        yield re.sub("%..", lambda escape: escape[0].lower(), form)
    for form in (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]):
        yield form
        yield form.replace("/", "\\/")
        yield re.sub("[<>&]", lambda sign: f"\\u{ord(sign[0]):04x}", form)


def _base64(data: bytes) -> Iterator[str]:
    """Yield the characters that data alone determines in base64, wherever in a text it begins."""
    for before, unsure in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + data).decode()
        sure = whole[unsure : (before + len(data)) * 8 // 6]
        if len(sure) >= SHORTEST:
            yield sure
            yield sure.translate(_URL_ALPHABET)


def _pattern(forms: Iterable[str]) -> str:
    """Return an expression that matches the longest of the forms, by way of their common beginnings."""
    tree: dict[str, Any] = {}
    for form in forms:
        branch = tree
        for sign in form:
            branch = branch.setdefault(sign, {})
        branch[""] = {}
    return _branches(tree)


def _branches(tree: dict[str, Any]) -> str:
    # Without a loop for the signs that do not branch, a long secret would go too deep.
    told = []
    for sign, branch in sorted(tree.items()):
        if not sign:
            continue
        signs = sign
        while len(branch) == 1 and "" not in branch:
            ((sign, branch),) = branch.items()
            signs += sign
        told.append(re.escape(signs) + ("" if branch.keys() == {""} else _branches(branch)))
    joined = told[0] if len(told) == 1 and "" not in tree else f"(?:{'|'.join(told)})"
    return f"{joined}?" if "" in tree else joined

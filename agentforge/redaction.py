"""Redact secrets by value wherever they might appear: whole, encoded, or in parts.

Secrets are searched in plain form and as programs print them: base64 in its three alignments and two
alphabets, hex, percent-encoded, and escaped as in JSON, Python or Go.
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
# Shorter values are ordinary words; redacting them would blank half a log.
SHORTEST = 6
# This many characters of a secret must not be visible; twice as many of an encoded one.
_MIN_REVEALING = 4
# The rest of base64 after the characters that the secret alone determines.
_BASE64_REST = "[A-Za-z0-9+/_-]{0,2}={0,2}"
_URL_ALPHABET = str.maketrans("+/", "-_")
_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_]|[ -/]+[0-~])")


def without_escapes(text: str) -> str:
    """Return a text without terminal escape sequences."""
    return _ESCAPE.sub("", text) if "\x1b" in text else text


class Redactor:
    """Redacts every secret of at least SHORTEST characters."""

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
            # Colour codes can split a secret, which a page would show in one piece.
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
        """Return whether a text without escape sequences contains a whole secret."""
        return self._find is not None and self._find.search(text) is not None

    def lines(self) -> LineRedactor:
        """Return a redactor for the consecutive lines of one output."""
        return LineRedactor(self)

    def pieces(self) -> PieceRedactor:
        """Return a redactor for a text that arrives in parts."""
        return PieceRedactor(self)

    def settled(self, text: str) -> int:
        """Return how many characters of a text can be redacted regardless of what follows."""
        starts = self.starts.at_end(text)
        cut = len(text) - (starts[0].length if starts else 0)
        if self._find is not None and cut < len(text):
            for match in self._find.finditer(text):
                if match.start() < cut < match.end():
                    return match.start()
        return cut


class LineRedactor:
    """Redacts secrets in consecutive lines, including secrets wrapped over several; holds nothing back.

    Of a wrapped secret, at most 3 characters stay visible (7 of an encoded one).
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._begun: list[Start] = []
        self._tail = ""

    def many(self, texts: Sequence[str]) -> Sequence[str]:
        """Return the next lines, redacted; much faster than one by one."""
        longest = self._redactor.longest
        if not longest:
            return texts
        joined = self._tail + "".join([without_escapes(text).strip() for text in texts])
        self._tail = joined[-longest:]
        if self._redactor.finds(joined):
            return [self(text) for text in texts]
        # They contain no whole secret, but the last ones may begin one.
        first, length = len(texts), 0
        while first and length < longest:
            first -= 1
            length += len(texts[first].strip())
        if first:
            self._begun = []
        return [*texts[:first], *(self(text) for text in texts[first:])]

    def __call__(self, text: str) -> str:
        """Return the next line, redacted."""
        if self._begun:
            text, inside = self._go_on(text)
            if inside:
                return text
        clean = self._redactor(text)
        bare = without_escapes(clean).rstrip()
        self._begun = self._redactor.starts.at_end(bare)
        for start in self._begun:
            if start.is_revealing:
                return bare[: -start.length] + BLANK
        return clean

    def _go_on(self, text: str) -> tuple[str, bool]:
        """Redact the continuation of a secret; return also whether the whole line is inside of it."""
        bare = without_escapes(text).strip()
        if not bare:
            return text, True
        inside = [start.longer(len(bare)) for start in self._begun if start.continues_in(bare)]
        if inside:
            self._begun = inside
            return BLANK if any(start.is_revealing for start in inside) else text, True
        ended = max((len(start.rest) for start in self._begun if bare.startswith(start.rest)), default=0)
        return (BLANK + bare[ended:] if ended else text), False


class PieceRedactor:
    """Redacts secrets in a text that arrives in parts; holds back what may begin a secret."""

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
        """Return the text still held back, at the end."""
        held, self._held = self._held, ""
        return self._redactor(held)


@dataclass(frozen=True, slots=True)
class Start:
    """A form's first `length` characters."""

    form: str
    length: int
    is_plain: bool

    @property
    def rest(self) -> str:
        return self.form[self.length :]

    @property
    def is_revealing(self) -> bool:
        """Return whether this much of a secret must not be visible."""
        return self.length >= (_MIN_REVEALING if self.is_plain else 2 * _MIN_REVEALING)

    def longer(self, more: int) -> Start:
        return Start(self.form, self.length + more, self.is_plain)

    def continues_in(self, text: str) -> bool:
        """Return whether a text continues the form, but does not complete it."""
        return len(text) < len(self.form) - self.length and self.form.startswith(text, self.length)


class _Starts:
    """Finds proper prefixes of forms at the end of a text; usually with a single look-up."""

    def __init__(self, forms: Iterable[tuple[str, bool]]) -> None:
        # Prefixes are indexed by their last _MIN_REVEALING characters, shorter ones by themselves.
        self._by_end: dict[str, list[Start]] = {}
        for form, is_plain in forms:
            for length in range(1, len(form)):
                end = form[max(length - _MIN_REVEALING, 0) : length]
                self._by_end.setdefault(end, []).append(Start(form, length, is_plain))

    def at_end(self, text: str) -> list[Start]:
        """Return the prefixes at a text's end, longest first."""
        by_end = self._by_end
        starts = [
            start
            for start in by_end.get(text[-_MIN_REVEALING:], ())
            if text.endswith(start.form[: start.length])
        ]
        starts.sort(key=lambda start: -start.length)
        for length in range(min(_MIN_REVEALING - 1, len(text) - 1), 0, -1):
            if text[-length:] in by_end:
                starts += by_end[text[-length:]]
        return starts


def _parts(value: str) -> Iterator[str]:
    """Yield a secret, and the words of one that has several."""
    yield from (part for part in value.split() if len(part) >= SHORTEST)
    if len(value.strip()) >= SHORTEST:
        yield value.strip()


def _escaped(secret: str) -> Iterator[str]:
    """Yield a secret as hex, percent-encoded, and escaped as in JSON, Python or Go."""
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
    """Yield the base64 characters that data alone determines, at any alignment."""
    for before, unsure in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + data).decode()
        sure = whole[unsure : (before + len(data)) * 8 // 6]
        if len(sure) >= SHORTEST:
            yield sure
            yield sure.translate(_URL_ALPHABET)


def _pattern(forms: Iterable[str]) -> str:
    """Return an expression that matches the longest form, built as a prefix tree."""
    tree: dict[str, Any] = {}
    for form in forms:
        branch = tree
        for sign in form:
            branch = branch.setdefault(sign, {})
        branch[""] = {}
    return _branches(tree)


def _branches(tree: dict[str, Any]) -> str:
    # The loop over characters that do not branch keeps a long secret from recursing too deeply.
    alternatives = []
    for sign, branch in sorted(tree.items()):
        if not sign:
            continue
        signs = sign
        while len(branch) == 1 and "" not in branch:
            ((sign, branch),) = branch.items()
            signs += sign
        alternatives.append(re.escape(signs) + ("" if branch.keys() == {""} else _branches(branch)))
    single = len(alternatives) == 1 and "" not in tree
    joined = alternatives[0] if single else f"(?:{'|'.join(alternatives)})"
    return f"{joined}?" if "" in tree else joined

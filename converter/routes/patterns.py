"""URL patterns of routes: segments, precedence, and Netlify's notation."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What a segment matches, most specific first."""

    STATIC = 0
    DYNAMIC = 1  # [id]
    CATCH_ALL = 2  # [...slug]
    OPTIONAL = 3  # [[...slug]]


@dataclass(frozen=True)
class Segment:
    kind: Kind
    name: str

    @property
    def is_rest(self) -> bool:
        return self.kind in (Kind.CATCH_ALL, Kind.OPTIONAL)

    def __str__(self) -> str:
        forms = ("{}", "[{}]", "[...{}]", "[[...{}]]")
        return forms[self.kind].format(self.name)


@dataclass(frozen=True)
class Pattern:
    """The URL of a route."""

    segments: tuple[Segment, ...]

    def __str__(self) -> str:
        return "/" + "/".join(map(str, self.segments))

    @property
    def order(self) -> tuple[tuple[int, str], ...]:
        """Return a key that sorts routes in Next's order of precedence, segment by segment.

        A path that ends comes before one that continues with a catch-all, which comes last.
        """
        ending = (Kind.DYNAMIC, "") if not self._ends_in_rest else (Kind.OPTIONAL, "")
        return (*self.shape, ending)

    @property
    def shape(self) -> tuple[tuple[int, str], ...]:
        """Return a key that is equal for patterns that match the same URLs; parameter names do not count."""
        return tuple((s.kind, s.name if s.kind == Kind.STATIC else "") for s in self.segments)

    @property
    def needs_rest(self) -> bool:
        """Whether it ends in [...slug], which requires at least one part."""
        return bool(self.segments) and self.segments[-1].kind == Kind.CATCH_ALL

    @property
    def before_rest(self) -> Pattern:
        return Pattern(tuple(s for s in self.segments if not s.is_rest))

    def intersection(self, other: Pattern) -> tuple[str, str] | None:
        """Return the `from` that both match with the arguments for `other`; None if they have no common path.

        Defined for patterns without a rest.
        """
        words: list[str] = []
        arguments: list[str] = []
        others = iter(other.segments)
        for index, segment in enumerate(self.segments):
            match = next(others, None)
            if match is None:
                return None
            if match.is_rest:
                rest = [self._word(s) for s in self.segments[index:]]
                return "/" + "/".join(words + rest), "".join(f"/{word}" for word in arguments + rest)
            if segment.kind == Kind.STATIC:
                if match.kind == Kind.STATIC and match.name != segment.name:
                    return None
                words.append(segment.name)
            else:
                words.append(match.name if match.kind == Kind.STATIC else self._placeholder(segment))
            if match.kind == Kind.DYNAMIC:
                arguments.append(words[-1])
        remaining = next(others, None)
        if remaining is not None and remaining.kind != Kind.OPTIONAL:
            return None
        return "/" + "/".join(words), "".join(f"/{word}" for word in arguments)

    def _word(self, segment: Segment) -> str:
        return segment.name if segment.kind == Kind.STATIC else self._placeholder(segment)

    @property
    def _ends_in_rest(self) -> bool:
        return bool(self.segments) and self.segments[-1].is_rest

    def for_redirects(self) -> str:
        """Return the `from` of a redirect; `/*` also matches the path before it."""
        return "/" + "/".join("*" if s.is_rest else self._word(s) for s in self.segments)

    def arguments(self) -> str:
        """Return the parameters in order, as the end of a redirect's `to`."""
        dynamic = (s for s in self.segments if s.kind != Kind.STATIC)
        return "".join("/:splat" if s.is_rest else f"/{self._placeholder(s)}" for s in dynamic)

    def for_functions(self) -> list[str]:
        """Return the `config.path` of a web-standard function (URLPattern)."""
        plain = "/" + "/".join(self._word(s) for s in self.segments if not s.is_rest)
        if not self._ends_in_rest:
            return [plain]
        below = f"{plain.rstrip('/')}/*"
        return [plain, below] if self.segments[-1].kind == Kind.OPTIONAL else [below]

    def _placeholder(self, segment: Segment) -> str:
        """Return a placeholder; names with a special meaning to Netlify are replaced by numbers."""
        plain = segment.name.isascii() and segment.name.isidentifier() and segment.name != "splat"
        return f":{segment.name}" if plain else f":p{self.segments.index(segment)}"

    def overlaps(self, other: Pattern) -> bool:
        """Return whether some path matches both."""
        return _overlap(self.segments, other.segments)

    def as_list(self) -> list[list[str]]:
        """Return the segments for the adapter."""
        return [[s.kind.name.lower(), s.name] for s in self.segments]


def _overlap(left: tuple[Segment, ...], right: tuple[Segment, ...]) -> bool:
    if not left or not right:
        rest = left or right
        return not rest or rest[0].kind == Kind.OPTIONAL
    if left[0].is_rest or right[0].is_rest:
        return True
    both = left[0].kind == right[0].kind == Kind.STATIC
    return (not both or left[0].name == right[0].name) and _overlap(left[1:], right[1:])


def parse_segment(text: str) -> Segment | None:
    """Parse the name of a directory or file; None if it is not a valid segment."""
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        return None  # not valid UTF-8
    forms = (("[[...", "]]", Kind.OPTIONAL), ("[...", "]", Kind.CATCH_ALL), ("[", "]", Kind.DYNAMIC))
    for begin, end, kind in forms:
        if text.startswith(begin) and text.endswith(end):
            name = text[len(begin) : -len(end)]
            return Segment(kind, name) if name and not set(name) & set("[]./") else None
    return Segment(Kind.STATIC, text) if text and not set(text) & set("[]:*?#") else None

"""URL patterns of routes: segments, order of precedence, and how Netlify writes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class Kind(IntEnum):
    """What a segment matches; the more exact comes first."""

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
        """Return a key that sorts routes as Next tries them, segment by segment from the left.

        A path that ends comes before one that goes on with a catch-all, which is behind everything.
        """
        ending = (Kind.DYNAMIC, "") if not self._ends_in_rest else (Kind.OPTIONAL, "")
        return (*((s.kind, s.name if s.kind == Kind.STATIC else "") for s in self.segments), ending)

    @property
    def shape(self) -> tuple[tuple[int, str], ...]:
        """Return what makes two patterns the same to Next: names of parameters don't count."""
        return tuple((s.kind, s.name if s.kind == Kind.STATIC else "") for s in self.segments)

    @property
    def needs_rest(self) -> bool:
        """Say whether it ends in [...slug], which takes one part at least."""
        return bool(self.segments) and self.segments[-1].kind == Kind.CATCH_ALL

    @property
    def before_rest(self) -> Pattern:
        return Pattern(tuple(s for s in self.segments if not s.is_rest))

    def meeting(self, other: Pattern) -> tuple[str, str] | None:
        """Return what both match as `from`, with the arguments of the other; None if there is nothing.

        This one has no rest.
        """
        words: list[str] = []
        arguments: list[str] = []
        theirs = iter(other.segments)
        for index, segment in enumerate(self.segments):
            their = next(theirs, None)
            if their is None:
                return None
            if their.is_rest:
                rest = [self._word(s) for s in self.segments[index:]]
                return "/" + "/".join(words + rest), "".join(f"/{word}" for word in arguments + rest)
            both = segment.kind == their.kind == Kind.STATIC
            if both and segment.name != their.name:
                return None
            words.append(self._word(segment if segment.kind == Kind.STATIC else their, segment))
            if their.kind == Kind.DYNAMIC:
                arguments.append(words[-1])
        left = list(theirs)
        if left and left[0].kind != Kind.OPTIONAL:
            return None
        return "/" + "/".join(words), "".join(f"/{word}" for word in arguments)

    def _word(self, segment: Segment, own: Segment | None = None) -> str:
        return segment.name if segment.kind == Kind.STATIC else self._hole(own or segment)

    @property
    def _ends_in_rest(self) -> bool:
        return bool(self.segments) and self.segments[-1].is_rest

    def for_redirects(self) -> str:
        """Return it as `from` of a redirect; `/*` matches what is before it, too."""
        parts = (
            "*" if s.is_rest else s.name if s.kind == Kind.STATIC else self._hole(s) for s in self.segments
        )
        return "/" + "/".join(parts)

    def arguments(self) -> str:
        """Return the parameters, in their order, as the tail of a redirect's `to`."""
        dynamic = (s for s in self.segments if s.kind != Kind.STATIC)
        return "".join("/:splat" if s.is_rest else f"/{self._hole(s)}" for s in dynamic)

    def for_functions(self) -> list[str]:
        """Return it as `config.path` of a web-standard function (URLPattern)."""
        single = (s for s in self.segments if not s.is_rest)
        plain = "/" + "/".join(s.name if s.kind == Kind.STATIC else self._hole(s) for s in single)
        if not self._ends_in_rest:
            return [plain]
        below = f"{plain.rstrip('/')}/*"
        return [plain, below] if self.segments[-1].kind == Kind.OPTIONAL else [below]

    def _hole(self, segment: Segment) -> str:
        """Return a placeholder; names that the platform would read otherwise become numbers."""
        plain = segment.name.isascii() and segment.name.isidentifier() and segment.name != "splat"
        return f":{segment.name}" if plain else f":p{self.segments.index(segment)}"

    def overlaps(self, other: Pattern) -> bool:
        """Say whether some path is matched by both."""
        return _overlap(self.segments, other.segments)

    def as_list(self) -> list[list[str]]:
        """Return it for the adapter."""
        return [[s.kind.name.lower(), s.name] for s in self.segments]


def _overlap(left: tuple[Segment, ...], right: tuple[Segment, ...]) -> bool:
    if not left or not right:
        rest = left or right
        return not rest or rest[0].kind == Kind.OPTIONAL
    if left[0].is_rest or right[0].is_rest:
        return True
    both = left[0].kind == right[0].kind == Kind.STATIC
    return (not both or left[0].name == right[0].name) and _overlap(left[1:], right[1:])


def segment(written: str) -> Segment | None:
    """Understand one name of a directory or file; None when Next would not."""
    if any("\ud800" <= letter <= "\udfff" for letter in written):
        return None  # bytes that are no UTF-8
    forms = (("[[...", "]]", Kind.OPTIONAL), ("[...", "]", Kind.CATCH_ALL), ("[", "]", Kind.DYNAMIC))
    for begin, end, kind in forms:
        if written.startswith(begin) and written.endswith(end):
            name = written[len(begin) : -len(end)]
            return Segment(kind, name) if name and not set(name) & set("[]./") else None
    return Segment(Kind.STATIC, written) if written and not set(written) & set("[]:*?#") else None

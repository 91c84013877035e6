"""Read a page's elements, to look at what it shows and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = frozenset(
    ("area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr")
)


@dataclass(eq=False)
class Element:
    """An element with its attributes and its children, which are elements and texts."""

    tag: str
    attributes: dict[str, str]
    parent: Element | None = None
    children: list[Element | str] = field(default_factory=list)

    def __getitem__(self, name: str) -> str:
        return self.attributes.get(name, "")

    def __contains__(self, name: str) -> bool:
        return name in self.attributes

    def __iter__(self) -> Iterator[Element]:
        """Yield the element itself and everything inside it, in the order of the page."""
        yield self
        for child in self.children:
            if isinstance(child, Element):
                yield from child

    @property
    def text(self) -> str:
        """Return its text, with every run of whitespace as one space."""
        return " ".join("".join(self._texts()).split())

    def _texts(self) -> Iterator[str]:
        for child in self.children:
            yield from [child] if isinstance(child, str) else child._texts()

    def all(self, tag: str = "", cls: str = "", **attributes: str) -> list[Element]:
        """Return the elements inside with a tag, a class and attributes; `data_state` is data-state."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [
            each
            for each in self
            if each.tag == (tag or each.tag)
            and (not cls or cls in each["class"].split())
            and all(name in each and each[name] == value for name, value in wanted.items())
        ]

    def first(self, tag: str = "", cls: str = "", **attributes: str) -> Element:
        """Return the first such element; an empty one if there is none."""
        return next(iter(self.all(tag, cls, **attributes)), Element("", {}))

    def with_attribute(self, name: str) -> list[Element]:
        return [each for each in self if name in each]

    def is_inside(self, name: str) -> bool:
        """Return whether it, or an element around it, has an attribute."""
        return name in self or (self.parent is not None and self.parent.is_inside(name))


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.at = self.root = Element("#document", {})

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.at)
        self.at.children.append(element)
        if tag not in _VOID:
            self.at = element

    def handle_endtag(self, tag: str) -> None:
        found: Element | None = self.at
        while found is not None and found.tag != tag:
            found = found.parent
        if found is not None and found.parent is not None:
            self.at = found.parent

    def handle_data(self, data: str) -> None:
        if self.at.tag not in ("script", "style"):
            self.at.children.append(data)


def read_html(text: str) -> Element:
    """Return a page as a tree of elements."""
    reader = _Reader()
    reader.feed(text)
    return reader.root

"""Plain text and Markdown: paragraphs, with their lines or the headings above them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from .text import Extracted, Passage, clean, heading_path

# Nothing here looks for an end from every beginning: a file of beginnings would take hours.
_HEADING = re.compile(r" {0,3}(#{1,6})(?=[ \t]|$)")
_UNDERLINE = re.compile(r" {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_FRONT_MATTER = re.compile(r"\A---\n.*?\n(?:---|\.\.\.)\n", re.DOTALL)
_EMPHASIS = re.compile(r"(\*\*|__|\*|`)(?=\S)(.{1,200}?)(?<=\S)\1")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*(?: \"[^\"]*\")?\)")


@dataclass(frozen=True)
class _Paragraph:
    first: int
    last: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)


def plain_text(text: str) -> Extracted:
    """Return the paragraphs of a text, by its lines."""
    return Extracted(
        tuple(
            Passage(each.text, unit="line", first=each.first, last=each.last)
            for each in _paragraphs(clean(text))
        )
    )


def markdown(text: str) -> Extracted:
    """Return the paragraphs of a Markdown document, by the headings above them; its first is the title."""
    text = clean(text)
    # Comments are not shown to readers; their lines still count.
    text = _without_comments(text)
    if front := _FRONT_MATTER.match(text):
        text = "\n" * front[0].count("\n") + text[front.end() :]
    passages: list[Passage] = []
    headings: list[tuple[int, str]] = []
    title = ""
    for paragraph in _paragraphs(text, _FENCE):
        for part in _at_headings(paragraph):
            level, heading = _heading(part)
            if level:
                headings = [*(each for each in headings if each[0] < level), (level, heading)]
                title = title or heading
            elif part.text.strip():
                passages.append(_passage(part, headings))
    return Extracted(tuple(passages), title=title)


def _without_comments(text: str) -> str:
    """Return a text with the ends of lines alone in place of its comments; one without an end is none."""
    parts: list[str] = []
    at = 0
    while (start := text.find("<!--", at)) >= 0 and (end := text.find("-->", start + 4)) >= 0:
        parts += [text[at:start], "\n" * text.count("\n", start, end)]
        at = end + 3
    return "".join([*parts, text[at:]])


def _passage(paragraph: _Paragraph, headings: list[tuple[int, str]]) -> Passage:
    path = heading_path(text for _, text in headings)
    code = bool(_FENCE.match(paragraph.lines[0]))
    text = paragraph.text if code else _without_marks(paragraph.text)
    if path:
        return Passage(text, path, whole=code)
    return Passage(text, unit="line", first=paragraph.first, last=paragraph.last, whole=code)


def _without_marks(text: str) -> str:
    return _EMPHASIS.sub(r"\2", _LINK.sub(r"\1", text))


def _paragraphs(text: str, fence: re.Pattern[str] | None = None) -> Iterator[_Paragraph]:
    """Yield what blank lines divide; with `fence`, code keeps its own blank lines."""
    lines: list[str] = []
    first, closing = 1, ""
    for number, line in enumerate([*text.split("\n"), ""], start=1):
        opened = fence.match(line) if fence else None
        if opened and not closing:
            if lines:
                yield _Paragraph(first, number - 1, tuple(lines))
                lines = []
            closing = opened[1]
        elif closing and line.strip().startswith(closing):
            yield _Paragraph(first, number, (*lines, line))
            lines, closing = [], ""
            continue
        if not line.strip() and not closing:
            if lines:
                yield _Paragraph(first, number - 1, tuple(lines))
            lines = []
            continue
        first = first if lines else number
        lines.append(line)
    if any(line.strip() for line in lines):
        yield _Paragraph(first, first + len(lines) - 1, tuple(lines))


def _at_headings(paragraph: _Paragraph) -> Iterator[_Paragraph]:
    """Divide a paragraph at the headings in it, which need no blank line around them."""
    lines = paragraph.lines
    if _FENCE.match(lines[0]):
        yield paragraph
        return
    start = 0
    for index, line in enumerate(lines):
        under = index > start and _UNDERLINE.match(line)
        if under or _HEADING.match(line):
            begin = index - 1 if under else index
            yield from _part(paragraph, start, begin)
            yield from _part(paragraph, begin, index + 1)
            start = index + 1
    yield from _part(paragraph, start, len(lines))


def _part(paragraph: _Paragraph, start: int, end: int) -> Iterator[_Paragraph]:
    if start < end:
        first = paragraph.first + start
        yield replace(paragraph, first=first, last=first + end - start - 1, lines=paragraph.lines[start:end])


def _without_closing(text: str) -> str:
    """Return a heading's text without the # that may close it, after a space."""
    bare = text.rstrip("#")
    return bare.rstrip(" \t") if bare != text and bare.endswith((" ", "\t")) else text


def _heading(part: _Paragraph) -> tuple[int, str]:
    """Return the level and text of a heading; level 0 for anything else."""
    if match := _HEADING.match(part.lines[0]):
        return len(match[1]), _without_marks(
            _without_closing(part.lines[0][match.end() :].strip(" \t"))
        ).strip()
    if len(part.lines) == 2 and (under := _UNDERLINE.match(part.lines[1])):
        return (1 if under[1].startswith("=") else 2), _without_marks(part.lines[0]).strip()
    return 0, ""

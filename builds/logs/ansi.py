"""Turn terminal colours into CSS classes; static/js/log/ansi.js does the same for live lines.

Supports the SGR codes of ECMA-48; 256-colour and 24-bit codes become the nearest of 16 colours. All other
escape sequences and control characters are dropped. Each line starts without colours.
"""

from __future__ import annotations

import re

from agentforge.whole_numbers import whole_number

# An SGR sequence (its parameters are captured), any other sequence, or a control character except tab.
_TOKEN = re.compile(
    r"\x1b\[([0-9;:]*)m"
    r"|\x1b(?:\[[0-?]*[ -/]*[@-~]?|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~]?)"
    r"|[\x00-\x08\x0a-\x1f\x7f-\x9f]"
)
_ON = {1: "bold", 2: "dim", 3: "italic", 4: "underline", 7: "inverse", 9: "strike"}
_OFF = {22: ("bold", "dim"), 23: ("italic",), 24: ("underline",), 27: ("inverse",), 29: ("strike",)}

Span = tuple[str, str]


def spans(text: str) -> list[Span]:
    """Split a line into (text, classes) pairs without escapes; classes are such as `sgr-bold sgr-fg-1`."""
    pieces: list[Span] = []
    style: dict[str, str] = {}
    start = 0
    for token in _TOKEN.finditer(text):
        _add(pieces, text[start : token.start()], style)
        start = token.end()
        if token[1] is not None:
            _apply(style, [_code(text) for text in re.split("[;:]", token[1])])
    _add(pieces, text[start:], style)
    return pieces


def plain(text: str) -> str:
    """Return a line without escapes and control characters."""
    return _TOKEN.sub("", text)


def coloured(text: str) -> str:
    """Return a line whose only escapes are colours, which are safe to print to a terminal."""
    return _TOKEN.sub(lambda token: "" if token[1] is None else token[0], text)


def _add(pieces: list[Span], text: str, style: dict[str, str]) -> None:
    classes = " ".join(f"sgr-{name}" for name in sorted(style.values()))
    if not text:
        return
    if pieces and pieces[-1][1] == classes:
        text = pieces.pop()[0] + text
    pieces.append((text, classes))


def _code(text: str) -> int:
    code = whole_number(text or "0")
    return -1 if code is None else code


def _apply(style: dict[str, str], codes: list[int]) -> None:
    while codes:
        code = codes.pop(0)
        if code == 0:
            style.clear()
        elif code in _ON:
            style[_ON[code]] = _ON[code]
        elif code in _OFF:
            for name in _OFF[code]:
                style.pop(name, None)
        elif code in (39, 49):
            style.pop("fg" if code == 39 else "bg", None)
        elif code in (38, 48):
            _paint(style, "fg" if code == 38 else "bg", _extended(codes))
        elif 30 <= code <= 37 or 90 <= code <= 97:
            _paint(style, "fg", code - 30 if code < 90 else code - 82)
        elif 40 <= code <= 47 or 100 <= code <= 107:
            _paint(style, "bg", code - 40 if code < 100 else code - 92)


def _paint(style: dict[str, str], ground: str, colour: int | None) -> None:
    if colour is not None:
        style[ground] = f"{ground}-{colour}"


def _extended(codes: list[int]) -> int | None:
    """Consume `5;n` or `2;r;g;b` from the codes and return the nearest of 16 colours."""
    kind = codes.pop(0) if codes else None
    if kind == 5 and codes:
        number = codes.pop(0)
        if number < 16:
            return number
        if number >= 232:
            level = 8 + 10 * (number - 232)
            return _nearest(level, level, level)
        number -= 16
        return _nearest(*(51 * part for part in (number // 36 % 6, number // 6 % 6, number % 6)))
    if kind == 2 and len(codes) >= 3:
        return _nearest(codes.pop(0), codes.pop(0), codes.pop(0))
    return None


def _nearest(red: int, green: int, blue: int) -> int:
    most = max(red, green, blue)
    if most < 64:
        return 0
    colour = sum(bit for bit, part in ((1, red), (2, green), (4, blue)) if part > most / 2)
    return colour + 8 if most > 192 else colour

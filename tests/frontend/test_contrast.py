"""Whether text can be read: the contrast of the stylesheet's own tokens, light and dark."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

CSS = (Path(__file__).resolve().parent.parent.parent / "static" / "tokens.css").read_text()
COLOUR = r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)"
TOKENS = {
    name: tuple(tuple(map(float, values[start : start + 3])) for start in (0, 3))
    for name, *values in re.findall(rf"--([\w-]+): light-dark\({COLOUR}, {COLOUR}\);", CSS)
}
GROUNDS = ("paper", "raised", "sunk", "hover")
TEXT = [
    *(
        (ink, ground)
        for ink in ("ink", "ink-2", "ink-3", "accent-ink")
        for ground in (*GROUNDS, "accent-soft")
    ),
    *((state, ground) for state in ("success", "running", "warning", "danger") for ground in GROUNDS),
    *((state, f"{state}-soft") for state in ("success", "running", "warning", "danger")),
    *(("on-accent", fill) for fill in ("accent-fill", "accent-fill-hover", "danger-fill")),
]
# Borders of inputs and the ring of the focus: WCAG 2.2, 1.4.11.
EDGES = [("line-2", "raised"), ("line-2", "paper"), ("accent", "paper"), ("accent", "raised")]


def luminance(lightness: float, chroma: float, hue: float) -> float:
    """Return the relative luminance of an OKLCH colour; see https://bottosson.github.io/posts/oklab/."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    red = 4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short
    green = -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short
    blue = -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short
    red, green, blue = (min(1.0, max(0.0, part)) for part in (red, green, blue))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str, mode: int) -> float:
    low, high = sorted(luminance(*TOKENS[name][mode]) for name in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_text_reaches_4_5(mode: int) -> None:
    poor = {pair: contrast(*pair, mode) for pair in TEXT if contrast(*pair, mode) < 4.5}
    assert poor == {}


@pytest.mark.parametrize("mode", [0, 1], ids=["light", "dark"])
def test_edges_reach_3(mode: int) -> None:
    poor = {pair: contrast(*pair, mode) for pair in EDGES if contrast(*pair, mode) < 3}
    assert poor == {}

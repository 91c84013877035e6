from __future__ import annotations

from datetime import timedelta

import pytest

from agentforge import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "<0.1 s"),
        (0.05, "0.1 s"),
        (0.84, "0.8 s"),
        (24.4, "24.4 s"),
        (60, "1 min 0 s"),
        (125.9, "2 min 5 s"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert formats.duration(timedelta(seconds=seconds)) == text


@pytest.mark.parametrize(
    ("count", "text"),
    [(412, "412 B"), (999, "999 B"), (1800, "1.8 KB"), (1_000_000, "1.0 MB"), (12_960_000, "13.0 MB")],
)
def test_sizes(count: int, text: str) -> None:
    assert formats.size(count) == text

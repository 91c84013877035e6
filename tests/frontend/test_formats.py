from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from agentforge import formats


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "<0.1 s"),
        (0.05, "0.1 s"),
        (0.84, "0.8 s"),
        (24.4, "24 s"),
        (60, "1 min 0 s"),
        (125.9, "2 min 6 s"),
        (7450, "2 h 4 min"),
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


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "just now"),
        (-9, "just now"),
        (-10, "10 seconds ago"),
        (-119, "1 minute ago"),
        (-7200, "2 hours ago"),
        (3 * 86400, "in 3 days"),
        (7 * 86400 - 60, "in 7 days"),
        (89, "in 1 minute"),
        (3599, "in 1 hour"),
        (-45 * 86400, "1 month ago"),
        (-800 * 86400, "2 years ago"),
    ],
)
def test_times_are_those_of_the_scripts(seconds: float, text: str) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    assert formats.relative(now + timedelta(seconds=seconds), now) == text

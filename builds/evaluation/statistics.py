"""What a few runs of something random can say: an interval for a rate, and a paired comparison."""

from __future__ import annotations

from math import comb, sqrt

# For 95 %.
_Z = 1.959964


def wilson(passed: int, count: int) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a rate, from 0 to 1; the whole range without a trial."""
    if not count:
        return 0.0, 1.0
    rate, square = passed / count, _Z * _Z
    centre = rate + square / (2 * count)
    spread = _Z * sqrt(rate * (1 - rate) / count + square / (4 * count * count))
    whole = 1 + square / count
    return max(0.0, (centre - spread) / whole), min(1.0, (centre + spread) / whole)


def mcnemar(only_before: int, only_now: int) -> float:
    """Return the two-sided exact p-value of McNemar's test.

    The arguments count the cases that passed before and not now, and now and not before. Cases that went the
    same way say nothing.
    """
    count = only_before + only_now
    tail = sum(comb(count, k) for k in range(min(only_before, only_now) + 1))
    return min(1.0, 2.0 * tail / float(2**count))

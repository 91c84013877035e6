"""Ask a whole project: every section that registered itself."""

from __future__ import annotations

from collections.abc import Iterator

from . import auth, database, report

__all__ = ["auth", "database", "examine"]


def examine(forge_url: str) -> Iterator[report.Line]:
    """Yield what is right, wrong, and not to be seen, for a forge at an address."""
    return report.examine(forge_url)

"""Stream the files of a build as one zip whose bytes depend on nothing but the files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_PIECE = 256 * 1024
# The earliest time that a zip can name: the archive must not depend on when it was made.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6


class Sink:
    """Collect what an archive is written of until it is taken; nothing is patched later."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._pieces.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing: what was written is taken from outside."""

    def close(self) -> None:
        """Do nothing: there is nothing to let go."""

    def take(self) -> bytes:
        taken = b"".join(self._pieces)
        self._pieces.clear()
        self.size = 0
        return taken


def stream(entries: Iterable[tuple[str, Path, bool]]) -> Iterator[bytes]:
    """Yield a zip of (name, path, executable) in pieces of some 256 KB, never holding a whole file."""
    sink = Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, path, executable in entries:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            with archive.open(entry, "w") as member, path.open("rb") as content:
                while piece := content.read(_PIECE):
                    member.write(piece)
                    if sink.size >= _PIECE:
                        yield sink.take()
    yield sink.take()

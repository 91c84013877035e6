"""Stream the files of a build as a zip whose bytes depend only on the files."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

_CHUNK = 256 * 1024
# The earliest time in a zip: the archive must not depend on the current time.
_EPOCH = (1980, 1, 1, 0, 0, 0)
_LEVEL = 6


class ChunkBuffer:
    """A write-only, unseekable file whose content is taken in chunks."""

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self.size = 0

    def write(self, data: bytes) -> int:
        self._chunks.append(bytes(data))
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        """Do nothing, as `close`: archive writers expect both."""

    def close(self) -> None: ...

    def take(self) -> bytes:
        data = b"".join(self._chunks)
        self._chunks.clear()
        self.size = 0
        return data


def stream(entries: Iterable[tuple[str, Path, bool]]) -> Iterator[bytes]:
    """Yield a zip of (name, path, executable) in chunks of about 256 KB, never holding a whole file."""
    buffer = ChunkBuffer()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=_LEVEL) as archive:
        for name, path, executable in entries:
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.create_system = 3
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if executable else 0o100644) << 16
            with archive.open(entry, "w") as member, path.open("rb") as content:
                while chunk := content.read(_CHUNK):
                    member.write(chunk)
                    if buffer.size >= _CHUNK:
                        yield buffer.take()
    yield buffer.take()

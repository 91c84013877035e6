"""Stream the files of a build as a zip whose bytes depend only on the files.

The files are stored, not compressed: packing costs less than reading, and the size is known beforehand.
Format: https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

_CHUNK = 256 * 1024
# Version 2.0, and made on Unix, whose file modes the entries have.
_VERSION, _UNIX = 20, 3 << 8
# Names are in UTF-8.
_FLAGS = 1 << 11
_STORED = 0
# 1980-01-01 00:00, the earliest time in a zip: the archive must not depend on the current time.
_TIME, _DATE = 0, 1 << 5 | 1
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


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


@dataclass(frozen=True)
class Entry:
    """One file of a zip: its name there, where it lies, its size in bytes, and whether it is a program."""

    name: str
    path: Path
    size: int
    executable: bool

    def local_header(self, checksum: int) -> bytes:
        """Return what precedes the content."""
        return _LOCAL.pack(b"PK\3\4", _VERSION, *self._facts(checksum), 0) + self.name.encode()

    def central_header(self, checksum: int, offset: int) -> bytes:
        """Return the entry in the directory at the zip's end."""
        mode = (0o100755 if self.executable else 0o100644) << 16
        facts = self._facts(checksum)
        made = _UNIX | _VERSION
        return _CENTRAL.pack(b"PK\1\2", made, _VERSION, *facts, 0, 0, 0, 0, mode, offset) + self.name.encode()

    def _facts(self, checksum: int) -> tuple[int, ...]:
        name = len(self.name.encode())
        return _FLAGS, _STORED, _TIME, _DATE, checksum, self.size, self.size, name


def size_of(entries: Sequence[Entry]) -> int:
    """Return the size of the zip that `stream` yields, in bytes."""
    headers = sum(_LOCAL.size + _CENTRAL.size + 2 * len(entry.name.encode()) for entry in entries)
    return headers + sum(entry.size for entry in entries) + _END.size


def stream(entries: Sequence[Entry]) -> Iterator[bytes]:
    """Yield a zip in chunks of about 256 KB, never holding a whole file; each is below 4 GB."""
    directory: list[bytes] = []
    offset = 0
    for entry in entries:
        checksum = _checksum(entry.path)
        directory.append(entry.central_header(checksum, offset))
        header = entry.local_header(checksum)
        offset += len(header) + entry.size
        yield header
        with entry.path.open("rb") as content:
            while chunk := content.read(_CHUNK):
                yield chunk
    listing = b"".join(directory)
    yield listing + _END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), len(listing), offset, 0)


def _checksum(path: Path) -> int:
    """Return a file's CRC-32, which stands before its content."""
    checksum = 0
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            checksum = zlib.crc32(chunk, checksum)
    return checksum

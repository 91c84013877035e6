"""A backup as a directory, or as a tar stream; the manifest comes last, so that a broken one is none."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

from .errors import BackupError
from .manifest import NAME, is_inside

_PIECE = 1024 * 1024


class Writer(Protocol):
    """Takes files, one after the other."""

    def add(self, path: str, source: Path) -> tuple[int, str]:
        """Write a file; return its size and sha256."""
        ...

    def add_bytes(self, path: str, content: bytes) -> tuple[int, str]: ...


class _Hashing:
    """Reads a file and remembers the hash of what was read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def read(self, size: int = -1) -> bytes:
        piece = self._file.read(size)
        self.digest.update(piece)
        self.size += len(piece)
        return piece


class DirectoryWriter:
    """Writes into a directory that is new or empty, readable by its owner alone."""

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            if any(directory.iterdir()):
                raise BackupError(
                    f"{directory} is not empty. Nothing was saved. Name a directory of its own."
                )
        except (FileExistsError, NotADirectoryError):
            raise BackupError(f"{directory} is no directory. Nothing was saved.") from None
        self._directory = directory

    def add(self, path: str, source: Path) -> tuple[int, str]:
        with source.open("rb") as file:
            return self._write(path, file)

    def add_bytes(self, path: str, content: bytes) -> tuple[int, str]:
        return self._write(path, io.BytesIO(content))

    def _write(self, path: str, file: IO[bytes]) -> tuple[int, str]:
        target = self._directory / path
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        hashing = _Hashing(file)
        with open(target, "xb", opener=_private) as output:
            while piece := hashing.read(_PIECE):
                output.write(piece)
            output.flush()
            os.fsync(output.fileno())
        return hashing.size, hashing.digest.hexdigest()


class TarWriter:
    """Writes a tar stream."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar

    def add(self, path: str, source: Path) -> tuple[int, str]:
        with source.open("rb") as file:
            return self._write(path, os.fstat(file.fileno()).st_size, file)

    def add_bytes(self, path: str, content: bytes) -> tuple[int, str]:
        return self._write(path, len(content), io.BytesIO(content))

    def _write(self, path: str, size: int, file: IO[bytes]) -> tuple[int, str]:
        member = tarfile.TarInfo(path)
        member.size, member.mode = size, 0o600
        hashing = _Hashing(file)
        self._tar.addfile(member, hashing)
        return hashing.size, hashing.digest.hexdigest()


@contextmanager
def writer_for(target: str, stdout: IO[bytes]) -> Iterator[Writer]:
    """Return the writer of a directory, or of a tar stream to stdout for `-`. Raises BackupError."""
    if target != "-":
        yield DirectoryWriter(Path(target))
        return
    with tarfile.open(fileobj=stdout, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        yield TarWriter(tar)


@contextmanager
def opened(source: str, stdin: IO[bytes], work: Path) -> Iterator[Path]:
    """Return a backup's directory; a tar file, or stdin for `-`, is unpacked below `work` and removed again.

    Raises BackupError for what is no complete backup.
    """
    path = Path(source)
    if source != "-" and path.is_dir():
        yield _complete(path)
        return
    with tempfile.TemporaryDirectory(prefix="restore-", dir=work) as directory:
        try:
            with (
                stdin if source == "-" else path.open("rb") as stream,
                tarfile.open(fileobj=stream, mode="r|") as tar,
            ):
                _unpack(tar, Path(directory))
        except FileNotFoundError:
            raise BackupError(f"There is no {source}.") from None
        except (tarfile.TarError, OSError, EOFError) as error:
            raise BackupError(f"This is no complete backup: {error}. Nothing was restored.") from None
        yield _complete(Path(directory))


def _unpack(tar: tarfile.TarFile, directory: Path) -> None:
    """Write the plain files of a tar stream below a directory; raises TarError for anything else."""
    for member in tar:
        content = tar.extractfile(member) if member.isfile() else None
        if content is None or not is_inside(member.name):
            raise tarfile.ReadError(f"{member.name!r} is not a file of a backup")
        target = directory / member.name
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(target, "xb", opener=_private) as output:
            shutil.copyfileobj(content, output)


def _complete(directory: Path) -> Path:
    if not (directory / NAME).is_file():
        raise BackupError(
            f"{directory} has no {NAME}: it is no backup, or making it was interrupted. Nothing was restored."
        )
    return directory


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)

"""A complete deploy as a reproducible tar.gz stream, or as a directory."""

from __future__ import annotations

import gzip
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from builds.package.archive import ChunkBuffer
from deployments.hosts.base import HostError, Reason

from . import deploys
from .site_directory import SiteDirectory


@dataclass(frozen=True)
class Tree:
    """The files of a complete deploy: path in the site → path on the disk."""

    name: str
    files: dict[str, Path]
    executables: frozenset[str]

    def tar(self) -> Iterator[bytes]:
        """Yield the tar.gz, one piece per file."""
        buffer = ChunkBuffer()
        with (
            gzip.GzipFile("", "wb", 6, buffer, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.PAX_FORMAT) as tar,
        ):
            for path, file in self.files.items():
                with file.open("rb") as content:
                    tar.addfile(self._member(path, file.stat().st_size), content)
                yield buffer.take()
        yield buffer.take()

    def _member(self, path: str, size: int) -> tarfile.TarInfo:
        member = tarfile.TarInfo(f"{self.name}/{path}")
        member.size = size
        member.mode = 0o755 if path in self.executables else 0o644
        return member

    def copy_to(self, directory: Path) -> None:
        """Write the files to a new or empty directory.

        Raises FileExistsError for another one, and OSError.
        """
        if directory.exists() and any(directory.iterdir()):
            raise FileExistsError(f"{directory} is not empty.")
        for path, file in self.files.items():
            target = directory / path
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, target)
            target.chmod(0o755 if path in self.executables else 0o644)


def tree_of(owner: UUID, deploy_id: str) -> Tree:
    """Return the files of a deploy.

    Raises HostError when it is incomplete or its files are gone.
    """
    site, _, key = deploy_id.partition(".")
    try:
        directory = SiteDirectory(owner, site)
        deploy = deploys.load(directory, key)
        if deploy is None or deploy.state != deploys.READY:
            raise FileNotFoundError(key)
        files = {path: directory.tree(key) / path for path in sorted(deploy.files)}
        if not all(file.is_file() for file in files.values()):
            raise FileNotFoundError(key)
    except (OSError, ValueError) as error:
        message = "The files of this deployment are no longer on this machine's disk. Deploy again."
        raise HostError(Reason.GONE, message) from error
    return Tree(site, files, frozenset(deploy.executables))

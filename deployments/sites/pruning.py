"""Prune what deleted deployments and sites left behind."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterator
from uuid import UUID

from builds.operations import pruning
from builds.operations.pruning import Amount, Moment
from deployments.hosts.registry import SELF_HOST
from deployments.hosts.selfhost import site_directory
from deployments.models import Deployment, Site


def register() -> None:
    """Register the steps of `prune` and the hourly job."""
    pruning.register(
        "logs that no deployment has", functools.partial(pruning.lost_logs, Deployment, "deployment-")
    )
    pruning.register("directories that no site has", _lost_directories)


def _lost_directories(moment: Moment, apply: bool) -> Iterator[Amount]:
    """Prune directories on the forge's disk whose site has no row; one marked as deleted still has."""
    for path in site_directory.every_site():
        if not path.is_dir() or path.stat().st_mtime >= moment.unused_since.timestamp():
            continue
        if Site.objects.filter(owner_id=UUID(path.parent.name), host=SELF_HOST, remote_id=path.name).exists():
            continue
        sizes = [file.lstat().st_size for file in path.rglob("*") if file.is_file() and not file.is_symlink()]
        if apply:
            shutil.rmtree(path, ignore_errors=True)
        yield Amount(0, len(sizes), sum(sizes))

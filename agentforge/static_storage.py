"""What `collectstatic` stores: a script with its imports in one file, and compressed copies of texts."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import zopfli.gzip
from django.contrib.staticfiles.storage import StaticFilesStorage

from .static_bundles import bundle, compact_style

# What a page or a worker loads by itself.
_SCRIPTS = ("js/agentforge.js", "js/files.js", "js/log/panel.js", "js/live/worker.js")
_STYLES = ("tokens.css", "agentforge.css")
# With those, what every first page waits for. Zopfli spares a twentieth of gzip's bytes; for all files of the
# administration it would take seconds.
_FIRST = (*_SCRIPTS, *_STYLES, "django_htmx/htmx-2.min.js")
# Pictures and the like are compressed already.
_TEXTS = (".css", ".html", ".js", ".json", ".map", ".svg", ".txt", ".xml")


class BundledStaticFilesStorage(StaticFilesStorage):
    def post_process(
        self, paths: dict[str, Any], dry_run: bool = False, **options: Any
    ) -> Iterator[tuple[str, str, bool]]:
        """Replace the scripts and the stylesheets by what their sources become, then compress all texts."""
        if dry_run:
            return

        def read(name: str) -> str:
            storage, path = paths[name]
            return Path(storage.path(path)).read_text(encoding="utf-8")

        for name in _SCRIPTS:
            Path(self.path(name)).write_text(bundle(read, name), encoding="utf-8")
        for name in _STYLES:
            Path(self.path(name)).write_text(compact_style(read(name)), encoding="utf-8")
        for name in paths:
            if name.endswith(_TEXTS):
                _compress(Path(self.path(name)), smallest=name in _FIRST)
                yield name, name, True


def _compress(path: Path, *, smallest: bool) -> None:
    """Write the file that WhiteNoise sends to browsers that take gzip, unless it saves nothing."""
    whole = path.read_bytes()
    packed = zopfli.gzip.compress(whole) if smallest else gzip.compress(whole, 9, mtime=0)
    copy = path.with_name(f"{path.name}.gz")
    if len(packed) < len(whole):
        copy.write_bytes(packed)
    else:
        copy.unlink(missing_ok=True)

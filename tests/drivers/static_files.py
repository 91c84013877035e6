"""List the static files once per test worker, and collect them once for its web processes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from whitenoise.middleware import WhiteNoiseMiddleware

from agentforge import static_files


@contextmanager
def listed_once() -> Iterator[None]:
    """Let each WhiteNoise take over what an earlier one with the same settings found."""
    lists: dict[object, dict[str, Any]] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def take_over(self: WhiteNoiseMiddleware) -> None:
        key = (self.static_prefix, self.static_root, self.max_age, tuple(settings.STATICFILES_DIRS))
        if key not in lists:
            look(self)
            lists[key] = dict(self.files)
        self.files.update(lists[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", take_over)
        yield


def collect() -> None:
    """Collect them for this worker, as `make run` does: a page then loads 12 files, not 45."""
    if not static_files.is_collected(settings.STATIC_ROOT, settings.STATIC_VERSION):
        call_command("collectstatic", interactive=False, verbosity=0)
        static_files.mark_collected(settings.STATIC_ROOT, settings.STATIC_VERSION)

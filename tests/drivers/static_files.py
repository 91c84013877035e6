"""List the static files once per test worker, not for each test client and its WhiteNoise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from whitenoise.middleware import WhiteNoiseMiddleware


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

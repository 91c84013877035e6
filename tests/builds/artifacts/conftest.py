from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.standins.supabase_storage import SupabaseStorageStandIn, settings_of


@pytest.fixture
def service(settings: Settings, tmp_path: Path) -> Iterator[SupabaseStorageStandIn]:
    """Supabase Storage in place of files, with an empty directory for this machine's copies."""
    with SupabaseStorageStandIn() as stand_in:
        settings.STORAGES = {**settings.STORAGES, "artifacts": settings_of(stand_in)}
        settings.VAR_DIR = tmp_path
        yield stand_in

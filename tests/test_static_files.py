"""Static files are compressed and kept by browsers; pages are compressed."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.test import Client
from django.test.utils import override_settings

from agentforge import static_files
from agentforge.accounts.models import User

COMPRESSED = {"Accept-Encoding": "gzip"}


def test_the_version_changes_with_a_file(tmp_path: Path) -> None:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "a.js").write_text("1")
    first = static_files.version(tmp_path)
    assert static_files.version(tmp_path) == first
    (tmp_path / "js" / "a.js").write_text("2")
    changed = static_files.version(tmp_path)
    (tmp_path / "js" / "a.js").rename(tmp_path / "js" / "b.js")
    assert len({first, changed, static_files.version(tmp_path)}) == 3


@pytest.mark.django_db
def test_a_page_names_files_that_may_be_kept_for_a_year(client: Client) -> None:
    page = client.get("/sign-in/").content.decode()
    address = f"/static/{settings.STATIC_VERSION}/agentforge.css"
    assert address in page
    response = client.get(address)
    assert response.headers["Cache-Control"] == "max-age=31536000, public"
    response.close()


def test_collected_files_are_compressed(tmp_path: Path) -> None:
    with override_settings(STATIC_ROOT=tmp_path, WHITENOISE_USE_FINDERS=False):
        call_command("collectstatic", interactive=False, verbosity=0)
        address = f"/static/{settings.STATIC_VERSION}/js/agentforge.js"
        response: Any = Client().get(address, headers=COMPRESSED)
        assert response.headers["Content-Encoding"] == "gzip"
        body = gzip.decompress(b"".join(response.streaming_content))
        response.close()
    # In one file with all that it imports.
    assert b"import " not in body
    assert b"SharedWorker" in body


def test_files_count_as_collected_for_their_version_only(tmp_path: Path) -> None:
    assert not static_files.is_collected(tmp_path, "abc")
    static_files.mark_collected(tmp_path, "abc")
    assert static_files.is_collected(tmp_path, "abc")
    assert not static_files.is_collected(tmp_path, "abd")


@pytest.mark.parametrize(("path", "status"), [("/sign-in/", 200), ("/openapi.json", 200), ("/nowhere/", 404)])
def test_pages_json_and_errors_are_compressed(path: str, status: int, client: Client, alice: User) -> None:
    response = client.get(path, headers=COMPRESSED)
    assert (response.status_code, response.headers["Content-Encoding"]) == (status, "gzip")
    assert "Accept-Encoding" in response.headers["Vary"]
    assert gzip.decompress(response.content)
    assert "Content-Encoding" not in client.get(path).headers

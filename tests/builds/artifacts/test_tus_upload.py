"""Resumable uploads to a real TUS server that dies during the upload."""

from __future__ import annotations

import io
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from builds.artifacts.errors import StorageProblem
from builds.artifacts.tus_upload import Endpoint, upload
from tests.drivers.tus_server import TusServer

PIECE = 64 * 1024
CONTENT = bytes(range(256)) * 2600
ENDS = [*range(0, len(CONTENT), PIECE), len(CONTENT)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TusServer]:
    with TusServer(tmp_path) as running:
        yield running


def assert_in_order(sent: list[int]) -> None:
    """Check that progress only grows, in small steps, over the end of each piece."""
    assert sent == sorted(set(sent))
    assert set(ENDS) <= set(sent)
    assert max(later - sooner for sooner, later in pairwise(sent)) < PIECE


class Upload:
    """An upload of the content that records its callbacks."""

    def __init__(self) -> None:
        self.sent: list[int] = []
        self.urls: list[str] = []

    def run(self, server: TusServer, resume_url: str = "", **options: int) -> None:
        upload(
            Endpoint(server.url, {}, pause=0.001, chunk=PIECE, **options),
            io.BytesIO(CONTENT),
            {"filename": "ada.so"},
            resume_url=resume_url,
            on_create=self.urls.append,
            progress=lambda sent, total: self.at(sent),
        )

    def at(self, sent: int) -> None:
        self.sent.append(sent)


def test_the_server_has_every_byte_once(server: TusServer) -> None:
    upload = Upload()
    upload.run(server)
    assert server.files() == [CONTENT]
    assert_in_order(upload.sent)
    assert len(upload.urls) == 1


def test_an_upload_outlives_the_death_of_the_server(server: TusServer) -> None:
    class Disturbed(Upload):
        def at(self, sent: int) -> None:
            super().at(sent)
            if sent in (PIECE, 5 * PIECE):
                server.kill()
                server.start()

    disturbed = Disturbed()
    disturbed.run(server)
    assert server.files() == [CONTENT]
    assert_in_order(disturbed.sent)
    assert len(disturbed.urls) == 1


def test_another_process_goes_on_with_an_upload(server: TusServer) -> None:
    class Dying(Upload):
        def at(self, sent: int) -> None:
            super().at(sent)
            if sent == 3 * PIECE:
                raise KeyboardInterrupt

    dying, heir = Dying(), Upload()
    with pytest.raises(KeyboardInterrupt):
        dying.run(server)
    heir.run(server, resume_url=dying.urls[0])
    assert server.files() == [CONTENT]
    # The third piece was under way.
    assert 2 * PIECE <= heir.sent[0] < 3 * PIECE
    assert heir.urls == []


def test_a_server_that_stays_away_is_given_up(server: TusServer) -> None:
    class Alone(Upload):
        def at(self, sent: int) -> None:
            super().at(sent)
            if sent == 2 * PIECE:
                server.kill()

    with pytest.raises(StorageProblem, match=r"does not answer; [\d,]+ of 665,600 bytes are there"):
        Alone().run(server, tries=3)
    server.start()


def test_what_the_server_forgot_is_uploaded_anew(server: TusServer) -> None:
    upload = Upload()
    upload.run(server, resume_url=f"{server.url}/00000000-0000-4000-8000-000000000000")
    assert server.files() == [CONTENT]
    assert_in_order(upload.sent)

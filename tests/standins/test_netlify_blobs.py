"""The stand-in of Netlify Blobs answers the real client as the real server for development does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from .blobs_peer import BlobsPeer, serving, use
from .netlify_blobs import NetlifyBlobs


@pytest.fixture(params=["stand-in", "real"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NetlifyBlobs | BlobsPeer]:
    with NetlifyBlobs() if request.param == "stand-in" else serving(tmp_path) as server:
        yield server


@pytest.mark.parametrize("way", ["event", "context"])
def test_the_real_client_gets_the_same_from_both(blobs: NetlifyBlobs | BlobsPeer, way: str) -> None:
    event = json.dumps({"blobs": blobs.field, "headers": {"x-nf-site-id": blobs.site}})
    printed = use(event=event) if way == "event" else use(context=blobs.context)
    assert json.loads(printed) == [True, False, True, ["1-a", "2-b"], ["2-b"], True]

"""Each request has an id: given or new, in the answer and in the log."""

from __future__ import annotations

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("offered", ["7f3a", "01J-abc.DEF:9_x", "a" * 64])
def test_an_id_that_is_plain_is_kept_and_any_other_replaced(client: Client, offered: str) -> None:
    assert client.get("/sign-in/", headers={"x-request-id": offered})["X-Request-ID"] == offered


@pytest.mark.parametrize("offered", ["", "a" * 65, "a b", "a\nb", "<script>", "-a", "é"])
def test_any_other_is_replaced(client: Client, offered: str) -> None:
    kept = client.get("/sign-in/", headers={"x-request-id": offered})["X-Request-ID"]
    assert kept != offered
    assert len(kept) == 32 and kept.isalnum()


def test_two_requests_have_two_ids(client: Client) -> None:
    first, second = (client.get("/sign-in/")["X-Request-ID"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize("path", ["/nowhere/", "/healthz", "/static/nothing.css", "/agents/7/identity/"])
def test_refusals_have_one_too(client: Client, path: str) -> None:
    assert client.get(path, headers={"x-request-id": "seen"})["X-Request-ID"] == "seen"

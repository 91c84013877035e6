"""Every view runs in the room that the outermost middleware makes, in tests and on the server."""

from __future__ import annotations

import sys

import pytest
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.test import AsyncClient, Client
from django.urls import path
from pytest_django.fixtures import Settings

from agentforge.stack_room import SLOTS


@login_not_required
def callers_with_room(request: HttpRequest) -> HttpResponse:
    frame, found = sys._getframe(), 0
    while frame.f_back is not None:
        frame = frame.f_back
        found += frame.f_code.co_stacksize >= SLOTS
    return HttpResponse(str(found))


@pytest.fixture(autouse=True)
def urls(settings: Settings) -> None:
    settings.ROOT_URLCONF = (path("room/", callers_with_room),)


def test_a_view_has_room(db: None, client: Client) -> None:
    assert client.get("/room/").content == b"1"


async def test_a_view_of_the_server_has_room(transactional_db: None, async_client: AsyncClient) -> None:
    response = await async_client.get("/room/")
    assert response.content == b"1"

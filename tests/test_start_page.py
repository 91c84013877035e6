"""The page that a visitor sees first."""

from __future__ import annotations

import re
from collections.abc import Callable

from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from agentforge.accounts.models import User

from .drivers.pages import shown

MOST_BYTES = 60 * 1024


def page_of(client: Client) -> str:
    response = client.get("/")
    assert response.status_code == 200
    assert isinstance(response, HttpResponse)
    return response.content.decode()


def test_a_visitor_sees_what_this_is_and_where_to_begin(db: None, client: Client) -> None:
    page = page_of(client)
    assert page.count("<h1") == 1
    for word in ("one file", "signed", "terminal", "HTTP", "API"):
        assert word.lower() in page.lower(), word
    for path in (reverse("accounts:sign_up"), reverse("accounts:sign_in")):
        assert f'href="{path}"' in page
    # Nobody is sent to a sign-in by the mark of a page that needs none.
    assert re.search(r'class="mark" href="/"', page)


def test_the_pictures_are_there_for_both_schemes_and_small(db: None, client: Client) -> None:
    page = page_of(client)
    pictures = re.findall(r"<picture>.*?</picture>", page, re.DOTALL)
    assert len(pictures) == 2
    for picture in pictures:
        assert "prefers-color-scheme: dark" in picture
        assert re.search(r'alt="[^"]{20,}"', picture)
        assert re.search(r'width="\d+" height="\d+"', picture)
        files = re.findall(rf"/{settings.STATIC_URL.strip('/')}/(pictures/[\w.-]+)", picture)
        assert len(files) >= 2
        for name in files:
            path = finders.find(name)
            assert isinstance(path, str), name
            with open(path, "rb") as file:
                assert 0 < len(file.read()) <= MOST_BYTES, name


def test_who_has_chosen_a_theme_gets_its_pictures(db: None, client: Client) -> None:
    client.cookies["theme"] = "dark"
    page = page_of(client)
    assert "dark.webp" in page
    assert "light.webp" not in page


def test_who_is_signed_in_goes_to_their_agents(alice: User, client_of: Callable[[User], Client]) -> None:
    assert client_of(alice).get("/")["Location"] == reverse("configs:list")


def test_signing_out_says_so(alice: User, client_of: Callable[[User], Client]) -> None:
    client = client_of(alice)
    assert "You are signed out." in shown(client.post("/sign-out/", follow=True))
    assert "You are signed out." not in shown(client.get("/sign-in/"))

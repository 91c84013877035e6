"""Where nothing is yet stands a drawing of what will, one sentence, and one button that leads on."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from agentforge.accounts.models import User
from configs.models import AgentConfig
from configs.services import create_agent

from .drivers import people
from .drivers.pages import shown

pytestmark = pytest.mark.django_db
PAGES = [
    ("/agents/", "No agents yet"),
    ("/builds/", "No builds yet"),
    ("/deployments/", "No deployments yet"),
    ("/keys/", "No keys yet"),
    ("/activity/", "No activity yet"),
    ("/accounts/tokens/", "No API tokens yet"),
    ("/agents/{pk}/revisions/", "No revisions yet"),
    ("/agents/{pk}/try/", "Nothing to try yet"),
]


def newcomer(user: User) -> Client:
    """Return a client of somebody who has done nothing yet, not even signed in with a browser."""
    return Client(headers={"Authorization": people.bearer_of(user)})


@pytest.mark.parametrize(("path", "title"), PAGES)
def test_an_empty_page_teaches(path: str, title: str, alice: User) -> None:
    client = newcomer(alice)
    if "{pk}" in path:
        agent = create_agent(AgentConfig(owner=alice, name="Ada", handle="ada"))
        path = path.format(pk=agent.pk)
    page = shown(client.get(path))
    [empty] = re.findall(r'<div class="empty(?: beside)?">(.*?)</div>', page)
    assert re.search(r'<svg class="drawing"[^>]* aria-hidden="true"', empty)
    assert title in empty
    [sentence] = re.findall(r"<p> ?(.*?) ?</p>", empty)
    assert sentence.count(".") == 1, sentence
    assert sentence.endswith(".")
    [target] = re.findall(r'<a class="button primary" href="([^"]+)"', empty)
    assert "button" not in empty.replace('class="button primary"', "")
    place, _, fragment = target.partition("#")
    assert client.get(place or path).status_code == 200
    assert not fragment or f'id="{fragment}"' in page


def test_each_drawing_is_another(alice: User) -> None:
    client = newcomer(alice)
    drawings = [
        re.findall(r"<svg class=\"drawing\".*?</svg>", shown(client.get(path)))[0]
        for path, _ in PAGES
        if "{pk}" not in path
    ]
    assert len(set(drawings)) == len(drawings)

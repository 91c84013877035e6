"""What is written once for everybody has nothing of anybody."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.test import Client

from agentforge.accounts.models import User
from configs.forms.stored_key import KeyForm, NewKeyForm
from configs.keys import vault
from configs.models import DEFAULT_KEY_NAME, AgentConfig
from configs.providers import PROVIDERS
from configs.views.blank_keys import blank_form, blank_head, blank_new_form
from configs.views.key_rows import KeyRow
from tests.drivers.pages import shown

PRIVATE = ("alices-server", "alices-name", "alices-typing")
WRITTEN = (blank_form, blank_new_form, blank_head)
KEYED = [provider for provider in PROVIDERS.values() if not provider.is_local]


@pytest.fixture(autouse=True)
def new_process() -> Iterator[None]:
    """Forget what was written, before and after."""
    for written in WRITTEN:
        written.cache_clear()
    yield
    for written in WRITTEN:
        written.cache_clear()


@pytest.fixture
def bobs(bob: User) -> AgentConfig:
    return AgentConfig.objects.create(owner=bob, name="Bob's", handle="bobs", provider="openai")


def pages(browser: Client, agent: AgentConfig) -> list[str]:
    """Return what somebody sees of keys, without the token of each answer."""
    answers = [browser.get(url) for url in (f"/agents/{agent.pk}/keys/", "/keys/")]
    token = r'(name="csrfmiddlewaretoken" value="|X-CSRFToken": ")\w+"'
    return [re.sub(token, r"\1", shown(answer)) for answer in answers]


def type_into_every_form(browser: Client, agent: AgentConfig) -> None:
    """Have each form shown again with what was typed."""
    for provider in KEYED:
        sent: dict[str, Any] = {"name": PRIVATE[2], "key": "", "base_url": PRIVATE[2]}
        for url in (f"/agents/{agent.pk}/keys/{provider.code}/", f"/keys/add/{provider.code}/"):
            browser.post(url, sent)


def test_a_page_is_the_same_whoever_came_before(
    browser: Client, agent: AgentConfig, bobs: AgentConfig, client_of: Callable[[User], Client]
) -> None:
    for provider in KEYED:
        for name in (DEFAULT_KEY_NAME, PRIVATE[1]):
            url = f"https://{PRIVATE[0]}.example.com/v1"
            if not provider.keys_of:
                vault.save_key(agent.owner, provider.code, "sk-alices-key", url, name=name)
    hers = pages(browser, agent)
    assert all(PRIVATE[0] in page and PRIVATE[1] in page for page in hers)
    type_into_every_form(browser, agent)
    other = client_of(bobs.owner)
    after = pages(other, bobs)
    assert not [word for word in PRIVATE for page in after if word in page]
    for written in WRITTEN:
        written.cache_clear()
    assert after == pages(other, bobs)


def test_each_form_has_the_token_and_the_address_of_its_page(
    browser: Client, agent: AgentConfig, bobs: AgentConfig, client_of: Callable[[User], Client]
) -> None:
    pages(browser, agent)
    page = shown(client_of(bobs.owner).get(f"/agents/{bobs.pk}/keys/"))
    tokens = re.findall(r'csrfmiddlewaretoken" value="(\w+)"', page)
    assert len(tokens) > len(PROVIDERS) / 2
    assert len(set(tokens)) == 1
    assert f'action="/agents/{bobs.pk}/keys/anthropic/"' in page
    assert f"/agents/{agent.pk}/" not in page


@pytest.mark.parametrize("provider", KEYED, ids=lambda provider: provider.code)
def test_it_is_what_an_empty_form_gives(provider: Any) -> None:
    fields = "configs/_key_fields.html"
    assert blank_form(provider).written == render_to_string(fields, {"form": KeyForm(provider=provider)})
    for is_first, taken in ((True, ["Other"]), (False, [DEFAULT_KEY_NAME, "Other"])):
        form = NewKeyForm(provider=provider, taken=taken)
        written = blank_new_form(provider, is_first=is_first).written
        assert written == render_to_string(fields, {"form": form})
    row = KeyRow(provider=provider, form=KeyForm(provider=provider))
    assert blank_head(provider) == render_to_string("configs/_key_head.html", {"row": row})

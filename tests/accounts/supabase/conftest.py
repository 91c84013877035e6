from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest
from django.conf import LazySettings
from django.test import Client

from agentforge.accounts.identity import supabase, supabase_guests
from tests.standins.supabase_auth import SupabaseAuth

from . import real_project, supabase_browser


@pytest.fixture
def auth(settings: LazySettings) -> Iterator[SupabaseAuth]:
    """Supabase Auth as the identity service of this test; a real one where its address is given."""
    service = real_project.RealAuth() if real_project.URL else SupabaseAuth().start()
    settings.SUPABASE_URL = service.url
    settings.SUPABASE_ANON_KEY = service.anon_key
    settings.SUPABASE_OAUTH_PROVIDERS = ["github"]
    # As by default with a project.
    settings.GUEST_MINUTES = 0
    # A stand-in on the port of an earlier one has other keys.
    supabase._keys.cache_clear()
    supabase_guests._policy.cache_clear()
    if isinstance(service, SupabaseAuth):
        yield service
        service.stop()
    else:
        service.begin()
        yield cast(SupabaseAuth, service)


@pytest.fixture
def browser(auth: SupabaseAuth, db: None) -> Client:
    """The browser of somebody who has an account and is not signed in."""
    auth.account(supabase_browser.EMAIL, supabase_browser.PASSWORD)
    return Client()


@pytest.fixture
def signed_in(browser: Client) -> Client:
    supabase_browser.sign_in(browser)
    return browser

from __future__ import annotations

from typing import Any

import jwt
import pytest
from django.conf import LazySettings

from agentforge.accounts.checks import (
    check_forwarded_addresses,
    check_local_identity,
    check_second_factor_paths,
    check_supabase,
)

# An older key: its role is a claim.
SERVICE_KEY = jwt.encode({"role": "service_role"}, "a secret of more than thirty-two letters", "HS256")
URL, KEY = "https://abcdefgh.supabase.co", "sb_publishable_0123456789"


@pytest.mark.parametrize(
    ("values", "ids"),
    [
        ({}, []),
        ({"SUPABASE_URL": ""}, []),
        ({"SUPABASE_URL": "abcdefgh.supabase.co"}, ["accounts.E002"]),
        ({"SUPABASE_URL": f"{URL}/auth/v1"}, ["accounts.E002"]),
        ({"SUPABASE_URL": "http://abcdefgh.supabase.co"}, ["accounts.E003"]),
        ({"SUPABASE_URL": "http://127.0.0.1:54321"}, []),
        ({"SUPABASE_ANON_KEY": ""}, ["accounts.E004"]),
        ({"SUPABASE_ANON_KEY": "sb_secret_0123456789"}, ["accounts.E005"]),
        ({"SUPABASE_ANON_KEY": SERVICE_KEY}, ["accounts.E005"]),
        ({"SUPABASE_JWT_SECRET": "short"}, ["accounts.E006"]),
        ({"SUPABASE_OAUTH_PROVIDERS": ["github", "gitbub"]}, ["accounts.E007"]),
    ],
)
def test_settings_of_supabase(values: dict[str, Any], ids: list[str], settings: LazySettings) -> None:
    settings.DEBUG = False
    settings.SUPABASE_URL, settings.SUPABASE_ANON_KEY = URL, KEY
    for name, value in values.items():
        setattr(settings, name, value)
    assert [result.id for result in check_supabase(None)] == ids


def test_addresses_are_forwarded_with_a_secret_key(settings: LazySettings) -> None:
    assert check_forwarded_addresses(None) == []
    settings.SUPABASE_FORWARD_ADDRESSES = True
    assert [result.id for result in check_forwarded_addresses(None)] == ["accounts.E009"]
    settings.SUPABASE_SERVICE_KEY = "sb_secret_0123456789"
    assert check_forwarded_addresses(None) == []


def test_paths_are_expressions(settings: LazySettings) -> None:
    assert check_second_factor_paths(None) == []
    settings.SECOND_FACTOR_PATHS = ["^/agents/("]
    assert [result.id for result in check_second_factor_paths(None)] == ["accounts.E008"]


def test_with_supabase_the_local_service_serves_nobody(settings: LazySettings) -> None:
    settings.DEBUG = settings.LOCAL_IDENTITY_ALLOWED = False
    assert check_local_identity(None) != []
    settings.SUPABASE_URL = URL
    assert check_local_identity(None) == []

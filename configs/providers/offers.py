"""The models that each provider offers to a user, as last listed by its server."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from django.core.cache import cache

from agentforge import found_servers
from agentforge.prepared_queries import Parameter, PreparedQuery, Question
from configs.choices import KeyStatus
from configs.forms.base import Offers
from configs.models import ApiKey

from . import PROVIDERS, Outcome, Provider
from .local import LOCAL

LOCAL_SECONDS = 60
# Long enough for the few queries of one page.
FAILURE_SECONDS = 2
_LOCAL_CACHE = "configs:local-model"


_keys_of: PreparedQuery[ApiKey] = PreparedQuery(
    lambda: ApiKey.objects.filter(owner_id=Parameter("owner")).defer("ciphertext").order_by("pk")
)


def offers_question(owner_id: UUID) -> Question[ApiKey]:
    """Return the question for a user's keys with their known models."""
    return _keys_of.question(owner=owner_id)


def offers_for(owner_id: UUID, read: Sequence[ApiKey] | None = None) -> Offers:
    """Return a user's keys with their known models, and the models that answer on this machine.

    `read` are the rows of `offers_question`, where they were asked for already.
    """
    rows = _keys_of(owner=owner_id) if read is None else read
    local = {provider.code: local_outcome(provider).models for provider in local_providers()}
    # Not those of providers that were removed from the forge.
    return Offers(tuple(key for key in rows if key.provider in PROVIDERS), local)


def local_providers() -> list[Provider]:
    """Return the offered providers that need no key because they are this machine's or the operator's."""
    found_servers.look()
    return [provider for provider in PROVIDERS.values() if provider.is_local and not provider.unavailable]


def local_outcome(provider: Provider = LOCAL, *, fresh: bool = False) -> Outcome:
    """Return a local provider's last outcome, cached for a minute, or briefly after a failure."""
    found_servers.look()
    if provider.unavailable:
        return Outcome(KeyStatus.UNREACHABLE, provider.unavailable)
    # The URL is part of the cache key: tests and operators change it.
    name = f"{_LOCAL_CACHE}:{provider.base_url}"
    cached: Outcome | None = None if fresh else cache.get(name)
    if cached is not None:
        return cached
    outcome = provider.check("")
    cache.set(name, outcome, LOCAL_SECONDS if outcome.status == KeyStatus.VALID else FAILURE_SECONDS)
    return outcome

"""The models that each provider offers to a user, as last listed by its server."""

from __future__ import annotations

from uuid import UUID

from django.core.cache import cache

from configs.choices import KeyStatus
from configs.forms.base import Offers
from configs.models import ApiKey

from . import PROVIDERS, Outcome
from .local import LOCAL

LOCAL_SECONDS = 60
# Long enough for the few queries of one page.
FAILURE_SECONDS = 2
_LOCAL_CACHE = "configs:local-model"


def offers_for(owner_id: UUID) -> Offers:
    """Return a user's keys with their known models, and the local model's."""
    keys = ApiKey.objects.filter(owner_id=owner_id, provider__in=PROVIDERS).defer("ciphertext").order_by("pk")
    return Offers(tuple(keys), tuple(local_outcome().models))


def local_outcome(*, fresh: bool = False) -> Outcome:
    """Return the local model's last outcome, cached for a minute, or briefly after a failure."""
    if LOCAL.unavailable:
        return Outcome(KeyStatus.UNREACHABLE, LOCAL.unavailable)
    # The URL is part of the cache key: tests and operators change it.
    name = f"{_LOCAL_CACHE}:{LOCAL.base_url}"
    cached: Outcome | None = None if fresh else cache.get(name)
    if cached is not None:
        return cached
    outcome = LOCAL.check()
    cache.set(name, outcome, LOCAL_SECONDS if outcome.status == KeyStatus.VALID else FAILURE_SECONDS)
    return outcome

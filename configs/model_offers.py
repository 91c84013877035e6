"""Tell which models each provider offers to a user, as its server last listed them."""

from __future__ import annotations

from uuid import UUID

from django.core.cache import cache

from .choices import KeyStatus
from .forms.base import Offers
from .models import ApiKey
from .providers import PROVIDERS, Outcome
from .providers.local import LOCAL

LOCAL_SECONDS = 60
# Long enough for the few times that one page asks.
FAILURE_SECONDS = 2
_LOCAL_CACHE = "configs:local-model"


def offers_for(owner_id: UUID) -> Offers:
    """Return a user's keys with the lists of models known for them, and the local model's own."""
    keys = ApiKey.objects.filter(owner_id=owner_id, provider__in=PROVIDERS).defer("ciphertext").order_by("pk")
    return Offers(tuple(keys), tuple(local_outcome().models))


def local_outcome(*, fresh: bool = False) -> Outcome:
    """Return what the local model last answered; asked again after a minute, or soon after a failure."""
    if LOCAL.unavailable:
        return Outcome(KeyStatus.UNREACHABLE, LOCAL.unavailable)
    # The address is part of the name: tests and operators move the server.
    name = f"{_LOCAL_CACHE}:{LOCAL.base_url}"
    known: Outcome | None = None if fresh else cache.get(name)
    if known is not None:
        return known
    outcome = LOCAL.check()
    cache.set(name, outcome, LOCAL_SECONDS if outcome.status == KeyStatus.VALID else FAILURE_SECONDS)
    return outcome

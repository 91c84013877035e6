"""The agent that every new account begins with: compiled in advance, so that it answers at once."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.conf import settings
from django.db import transaction

from agentforge.accounts.models import User
from agentforge.incidents import record_incident
from agentforge.tenancy.rls import as_service
from configs.documents.document import parse
from configs.draft_check import check_draft
from configs.models import AgentConfig
from configs.providers.local import LOCAL
from configs.providers.offers import local_outcome
from configs.revisions import canonical_json, configuration
from configs.services import create_agent

from .services import enqueue_build

_FILE = "ada.yaml"


def is_offered() -> bool:
    """Return whether new accounts get the example: it answers with the local model only."""
    return bool(settings.EXAMPLE_AGENT) and not LOCAL.unavailable


def example_draft() -> AgentConfig:
    """Return the example, unsaved and without an owner, with a model that the local server offers."""
    draft = parse((settings.BASE_DIR / "examples" / _FILE).read_text(encoding="utf-8")).agent()
    offered = local_outcome().models
    if offered and draft.model not in offered:
        draft.model = offered[0]
    return draft


def example_document() -> str:
    """Return the canonical JSON of the example's first revision."""
    return canonical_json(configuration(example_draft()))


def create_later(sender: object, user: User, **kwargs: Any) -> None:
    """Create a new account's example once the account is stored."""
    if is_offered():
        transaction.on_commit(partial(_create, user))


def _create(user: User) -> None:
    try:
        with transaction.atomic(), as_service():
            draft = example_draft()
            draft.owner = user
            agent = create_agent(draft)
            if not check_draft(agent):
                enqueue_build(agent, by=user)
    # An account without the example is better than none.
    except Exception:
        record_incident(f"The example agent of {user.pk}")

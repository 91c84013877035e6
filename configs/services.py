"""Change agents: create, save a tab, duplicate, delete."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs, require
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.live import streams
from agentforge.tenancy.rls import as_service

from .announcements import announce, announce_account
from .choices import Preset
from .conflicts import Basis, check_conflict
from .forms.identity import suggest_handle
from .knowledge.files import copy_files
from .models import AgentConfig, lock_agent
from .presets import PRESET_VALUES
from .providers.local import LOCAL
from .providers.offers import local_outcome, local_providers

# Fields that decide which key an agent uses.
_KEY_FIELDS = frozenset(("provider", "api_key", "fallback_provider"))
# Fields that a duplicate does not copy.
_NOT_COPIED = ("id", "created_at", "updated_at", "archived_at", "trashed_at", "handle")


class HandleTaken(Exception):
    """Another agent of this owner took the handle between validation and saving."""


def new_draft(owner: User) -> AgentConfig:
    """Return an unsaved agent that needs only a name, with the local model if there is one."""
    draft = AgentConfig(owner=owner, **PRESET_VALUES[Preset.BALANCED])
    # The model that comes with the forge, where there is one: it is known to be small and quick.
    for provider in sorted(local_providers(), key=lambda each: each is not LOCAL):
        draft.provider = provider.code
        draft.model = next(iter(local_outcome(provider).models), "")
        break
    return draft


@performs(Act.CREATE_AGENT)
def create_agent(agent: AgentConfig) -> AgentConfig:
    """Store a new agent with its live stream.

    Raises HandleTaken.
    """
    if agent.api_key_id is not None:
        require(Act.CHOOSE_KEY)
    with transaction.atomic():
        _save(agent)
        streams.create_stream(agent.stream_name, agent.owner_id)
        # Nobody is signed in yet when an account's example is created.
        record(Action.AGENT_CREATED, owner=agent.owner_id, actor=agent.owner, subject=agent)
        announce_account(agent.owner_id)
    return agent


def save_draft(agent: AgentConfig, values: Mapping[str, Any], basis: Basis) -> AgentConfig:
    """Save one tab's cleaned values, and nothing of the other tabs; return the saved draft.

    Raises HandleTaken, or Conflict if the tab was saved elsewhere since `basis`.
    """
    if not _KEY_FIELDS.isdisjoint(values):
        require(Act.CHOOSE_KEY)
    draft = copy(agent)
    for name, value in values.items():
        setattr(draft, name, value)
    with transaction.atomic(), as_service():
        saved = lock_agent(agent.pk)
        check_conflict(basis, yours=draft.values_of(values), saved=saved.values_of(values))
        _save(draft, [*values, "updated_at"])
        announce(agent.pk, agent.owner_id, {"kind": "draft"})
    return draft


def duplicate_agent(agent: AgentConfig) -> AgentConfig:
    """Store and return a copy of a draft under the next free handle; it calls itself as the original does."""
    values = {
        f.attname: getattr(agent, f.attname) for f in agent._meta.concrete_fields if f.name not in _NOT_COPIED
    }
    taken = handles_of(agent.owner_id)
    with transaction.atomic():
        copied = create_agent(AgentConfig(**values, handle=suggest_handle(agent.handle, taken)))
        if agent.knowledge:
            with as_service():
                copy_files(agent, copied)
    return copied


def archive_agent(agent: AgentConfig) -> None:
    """Take an agent out of the list; it works as before."""
    _set_archived(agent, timezone.now(), Action.AGENT_ARCHIVED)


def unarchive_agent(agent: AgentConfig) -> None:
    """Put an archived agent back into the list."""
    _set_archived(agent, None, Action.AGENT_UNARCHIVED)


def _set_archived(agent: AgentConfig, at: datetime | None, action: Action) -> None:
    with transaction.atomic(), as_service():
        # Not a change of the draft: when it was last changed stays.
        rows = AgentConfig.objects.filter(pk=agent.pk, archived_at__isnull=at is not None)
        if rows.update(archived_at=at):
            record(action, owner=agent.owner_id, subject=agent)
            announce(agent.pk, agent.owner_id, {"kind": "draft"})


def handles_of(owner_id: UUID) -> set[str]:
    """Return the handles that an owner's agents have; those in the trash leave theirs to others."""
    return set(
        AgentConfig.objects.filter(owner_id=owner_id, trashed_at=None).values_list("handle", flat=True)
    )


def delete_agent(agent: AgentConfig) -> None:
    """Delete an agent with everything made from it, its live stream included."""
    with transaction.atomic(), as_service():
        record(Action.AGENT_DELETED, owner=agent.owner_id, subject=agent)
        streams.delete_stream(agent.stream_name)
        announce_account(agent.owner_id)
        agent.delete()


def _save(agent: AgentConfig, fields: list[str] | None = None) -> None:
    try:
        with transaction.atomic(), as_service():
            agent.save(update_fields=fields)
    except IntegrityError as error:
        if "configs_agent_owner_handle" in str(error):
            raise HandleTaken(agent.handle) from error
        raise

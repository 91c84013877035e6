"""The revisions of an agent: listed, named, and brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service

from .changes import Difference, differences, of_revision
from .conflicts import Basis
from .knowledge.files import set_files
from .models import AgentConfig, Revision
from .providers import PROVIDERS
from .revisions import create_revision
from .services import save_draft
from .skills.store import set_skills


@dataclass(frozen=True)
class Entry:
    """A revision in the history, and what changed since the one before; None for the first."""

    revision: Revision
    changes: list[Difference] | None


def entries(revisions: Sequence[Revision], before: Revision | None) -> list[Entry]:
    """Return the history of consecutive revisions, newest first; `before` precedes the last of them."""
    older = [*revisions[1:], before][: len(revisions)]
    return [
        Entry(new, differences(of_revision(old), of_revision(new)) if old else None)
        for new, old in zip(revisions, older, strict=True)
    ]


def restore(agent: AgentConfig, revision: Revision) -> Revision | None:
    """Make a revision the draft again, and return the revision that holds what was the draft before.

    That is None where the draft had no provider yet, and so could not be a revision. Raises HandleTaken.
    """
    # The chosen key stays, though only its provider's agents use it: so undoing this brings it back.
    values = dict(of_revision(revision).values)
    files, skills = values.pop("knowledge"), values.pop("skills")
    with transaction.atomic():
        kept = create_revision(agent) if agent.provider in PROVIDERS else None
        save_draft(agent, values, Basis())
        with as_service():
            set_files(agent, files)
            set_skills(agent, skills)
        record(Action.AGENT_RESTORED, owner=agent.owner_id, subject=agent, revision=revision.number)
    return kept


def rename(revision: Revision, name: str) -> None:
    """Give a revision a name; an empty one takes it away."""
    with as_service():
        Revision.objects.filter(pk=revision.pk).update(name=name)

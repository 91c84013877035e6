"""What people take along of their agents."""

from __future__ import annotations

import json
from typing import Any

from agentforge.accounts.belongings import Files, as_json, as_json_list
from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service

from .documents.export import export
from .models import AgentConfig, ApiKey, KnowledgeBlob, KnowledgeFile, Revision

# Each may have tens of thousands of characters.
REVISIONS_AT_ONCE = 50


def agents(user: User) -> Files:
    """Yield each agent's YAML document, which names keys without their secrets, its revisions and its files.

    The trash is a folder.
    """
    # As the service: users don't see agents in the trash, which are theirs all the same.
    with as_service():
        agents = list(AgentConfig.objects.all_of(user))
    for agent in agents:
        folder = "agents" if agent.trashed_at is None else "trash"
        yield f"{folder}/{agent.pk}-{agent.handle}.yaml", export(agent)
        with as_service():
            revisions = Revision.objects.filter(agent=agent).order_by("number")
            entries = (_revision(revision) for revision in revisions.iterator(REVISIONS_AT_ONCE))
            yield f"{folder}/{agent.pk}-{agent.handle}-revisions.json", as_json_list(entries)
            yield from _knowledge(agent, f"{folder}/{agent.pk}-{agent.handle}-files")


def keys(user: User) -> Files:
    """Yield the names of the keys for models, and what they are for."""
    names = ("provider", "name", "base_url", "last_four", "created_at", "updated_at")
    yield "keys.json", as_json(list(ApiKey.objects.owned_by(user).order_by("pk").values(*names)))


def _knowledge(agent: AgentConfig, folder: str) -> Files:
    """Yield the draft's files as they were added, and by sha256 the texts of those that are here no more.

    MOST_KNOWLEDGE_MB limits them all together.
    """
    blobs = KnowledgeBlob.objects.filter(agent=agent)
    stored = list(blobs.order_by("pk").values_list("sha256", flat=True))
    files = list(KnowledgeFile.objects.filter(agent=agent, sha256__in=stored))
    entries = [(f"{folder}/{file.name}", file.sha256) for file in files]
    here = {digest for file in files for digest in (file.sha256, file.text_sha256)}
    entries += [(f"{folder}/texts/{digest}.txt", digest) for digest in stored if digest not in here]
    for path, digest in entries:
        content = blobs.filter(sha256=digest).values_list("content", flat=True).first()
        # Removed while the ones before it were written.
        if content is not None:
            yield path, bytes(content)


def _revision(revision: Revision) -> dict[str, Any]:
    names = ("number", "name", "author", "created_at", "sha256")
    facts = {name: getattr(revision, name) for name in names}
    return {**facts, "configuration": json.loads(revision.canonical_json)}

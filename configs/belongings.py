"""What people take along of their agents."""

from __future__ import annotations

from agentforge.accounts.belongings import Files
from agentforge.accounts.models import User
from agentforge.tenancy.rls import as_service

from .documents.export import export
from .models import AgentConfig


def agents(user: User) -> Files:
    """Yield each agent's YAML document, which names keys without their secrets; the trash is a folder."""
    # As the service: users don't see agents in the trash, which are theirs all the same.
    with as_service():
        agents = list(AgentConfig.objects.all_of(user))
    for agent in agents:
        folder = "agents" if agent.trashed_at is None else "trash"
        yield f"{folder}/{agent.pk}-{agent.handle}.yaml", export(agent)

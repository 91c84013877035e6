"""What people take along of their agents."""

from __future__ import annotations

from agentforge.accounts.belongings import Files
from agentforge.accounts.models import User

from .documents.export import export
from .models import AgentConfig


def agents(user: User) -> Files:
    """Yield each agent's YAML document, which names keys without their secrets."""
    for agent in AgentConfig.objects.owned_by(user):
        yield f"agents/{agent.pk}-{agent.handle}.yaml", export(agent)

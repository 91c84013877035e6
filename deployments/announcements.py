"""Tell the pages about an agent that its deployments or its site changed."""

from __future__ import annotations

from configs.announcements import announce

from .models import Site


def announce_deployment(site: Site) -> None:
    """Publish on the agent's stream, in the caller's transaction, that how it is deployed has changed."""
    announce(site.agent_id, site.owner_id, {"kind": "deployment"})

"""What people take along of their sites, and what has to end before their account."""

from __future__ import annotations

from agentforge.accounts.belongings import Files, as_json
from agentforge.accounts.models import User

from .models import UNFINISHED, Connection, Deployment, Site


def sites(user: User) -> Files:
    """Yield the accounts at hosts, and the facts of all sites and deployments: no passwords, no variables."""
    accounts = Connection.objects.owned_by(user).order_by("pk")
    yield "hosts.json", as_json(list(accounts.values("host", "who", "email", "teams", "checked_at")))
    listed = Site.objects.all_of(user).values("id", "agent_id", "host", "name", "url", "access")
    fields = ("site_id", "build_id", "status", "url", "draft", "created_at", "published_at")
    made = Deployment.objects.all_of(user).order_by("pk").values(*fields)
    yield "sites.json", as_json({"sites": list(listed), "deployments": list(made)})


def work_in_progress(user: User) -> str:
    """Return that a deployment is unfinished."""
    if Deployment.objects.all_of(user).filter(status__in=UNFINISHED).exists():
        return "A deployment is queued or running. Cancel it, or wait until it has finished."
    return ""

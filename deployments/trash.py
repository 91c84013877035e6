"""What an agent in the trash leaves of its deployments and its sites."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count

from agentforge.accounts.models import User
from agentforge.formats import counted
from configs.models import AgentConfig
from configs.trash import Belonging, Words

from . import services
from .hosts.registry import KINDS
from .models import UNFINISHED, Deployment, Site


def describe(agents: Sequence[AgentConfig]) -> Words:
    """Return the deployments of agents, in a person's words."""
    of_agents = Deployment.objects.filter(site__agent__in=agents).order_by().values_list("site__agent")
    numbers = of_agents.annotate(Count("pk"))
    return {pk: [f"the record of {counted(number, 'deployment')}"] for pk, number in numbers}


def stays(agents: Sequence[AgentConfig]) -> Words:
    """Return which sites of agents go on without them."""
    sites = Site.objects.filter(agent__in=agents).exclude(live_remote_id="").order_by("pk")
    # A site that was replaced and chosen again has two rows.
    rows = {(site.agent_id, site.host, site.remote_id): site for site in sites}.values()
    words: dict[int, list[str]] = {}
    for site in rows:
        sentences = words.setdefault(site.agent_id, [])
        if (sentence := _goes_on(site)) not in sentences:
            sentences.append(sentence)
    return words


def _goes_on(site: Site) -> str:
    kind = KINDS[site.host]
    if not kind.needs_account:
        return "Copies that run on your own servers go on, until you stop them there."
    until = "until you delete it there"
    return f"The site {site.name} stays on {kind.label} and goes on answering with your keys, {until}."


def stop(agent: AgentConfig, by: User) -> list[str]:
    """Cancel an agent's deployments; return what was ended."""
    unfinished = Deployment.objects.filter(site__agent=agent, status__in=UNFINISHED, cancel_asked=False)
    deployments = list(unfinished.select_related("site").select_for_update(of=("self",)).order_by("pk"))
    for deployment in deployments:
        services.cancel(deployment, by)
    return [f"deployment {deployment.pk} is cancelled" for deployment in deployments]


def stream_names(agent: AgentConfig) -> list[str]:
    """Return the streams of an agent's deployments."""
    return [deployment.stream_name for deployment in Deployment.objects.filter(site__agent=agent).only("pk")]


BELONGING = Belonging(describe, stop, stream_names, stays)

"""Say of agents and deployments where they are online."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from configs.models import AgentConfig
from deployments import history
from deployments.accounts import oauth
from deployments.accounts.connections import KINDS
from deployments.models import Deployment, Site

register = template.Library()


@register.simple_tag
def consent_is_offered() -> bool:
    """Tell whether an account at Netlify can be connected without a token."""
    return oauth.is_offered()


@register.simple_tag
def history_of(deployments: Iterable[Deployment]) -> dict[int, history.Facts]:
    """Return what a table of deployments says of each besides its row, by primary key."""
    return history.facts_of(deployments)


@register.simple_tag
def online(agents: Iterable[AgentConfig]) -> dict[int, history.Online]:
    """Return where agents are online, by primary key."""
    return history.online(agents)


@register.simple_tag
def online_of(agent: AgentConfig) -> history.Online | None:
    """Return where an agent is online; None before it is."""
    return history.online([agent]).get(agent.pk)


@register.simple_tag
def stays_online(agent: AgentConfig) -> list[Site]:
    """Return the sites at hosts that go on answering when their agent is deleted here."""
    needing = [code for code, kind in KINDS.items() if kind.needs_account]
    found = Site.objects.filter(agent=agent, host__in=needing).exclude(live_remote_id="")
    # One that was given up, and chosen again later, has two rows.
    return list({(site.host, site.remote_id): site for site in found}.values())


register.filter("web_address", history.web_address)


@register.filter
def without_scheme(url: str) -> str:
    """Return an address as people say it."""
    return url.partition("://")[2].rstrip("/")

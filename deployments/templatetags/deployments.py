"""Tags and filters of the pages that show sites and deployments."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from configs.models import AgentConfig
from deployments import history, preflight, reports
from deployments.accounts import oauth
from deployments.accounts.host_accounts import KINDS
from deployments.models import Deployment, Site

register = template.Library()


@register.simple_tag
def consent_is_offered() -> bool:
    """Return whether an account at Netlify can be connected without a token."""
    return oauth.is_offered()


@register.simple_tag
def history_of(deployments: Iterable[Deployment]) -> dict[int, history.Facts]:
    """Return what a table shows of deployments besides their rows, by primary key."""
    return history.facts_of(deployments)


@register.simple_tag
def online(agents: Iterable[AgentConfig]) -> dict[int, history.Online]:
    """Return where agents are online, by primary key."""
    return history.online(agents)


@register.simple_tag
def online_of(agent: AgentConfig) -> history.Online | None:
    """Return where an agent is online; None while it is nowhere."""
    return history.online([agent]).get(agent.pk)


@register.simple_tag
def stays_online(agent: AgentConfig) -> list[Site]:
    """Return the sites at hosts that stay online when their agent is deleted here."""
    needing = [code for code, kind in KINDS.items() if kind.needs_account]
    sites = Site.objects.filter(agent=agent, host__in=needing).exclude(live_remote_id="")
    # A site that was given up and chosen again has two rows.
    return list({(site.host, site.remote_id): site for site in sites}.values())


register.filter("web_address", history.web_address)
register.filter("own_rules", reports.own_rules)
register.filter("outdated_rules", reports.outdated_rules)

_CHECKS = {preflight.OK: ("succeeded", "OK"), preflight.BAD: ("failed", "Missing")}
_WARNING = ("warning", "Warning")


@register.filter
def check_state(check: preflight.Check) -> str:
    """Return the `data-state` of a check before a deployment."""
    return _CHECKS.get(check.state, _WARNING)[0]


@register.filter
def check_word(check: preflight.Check) -> str:
    return _CHECKS.get(check.state, _WARNING)[1]


@register.filter
def without_scheme(url: str) -> str:
    """Return an address without https:// and a final slash."""
    return url.partition("://")[2].rstrip("/")

"""Tags and filters of the pages that show sites and deployments."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from deployments import history, preflight, reports
from deployments.accounts import oauth
from deployments.models import Deployment

register = template.Library()


@register.simple_tag
def consent_is_offered() -> bool:
    """Return whether a Netlify account can be connected through OAuth."""
    return oauth.is_offered()


@register.simple_tag
def history_of(deployments: Iterable[Deployment]) -> dict[int, history.HistoryEntry]:
    """Return the history entries of deployments by primary key."""
    return history.entries_for(deployments)


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

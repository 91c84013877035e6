"""One page of a person's agents: searched, narrowed, sorted; a constant number of queries."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import F, Max, Q, QuerySet
from django.db.models.functions import Lower

from agentforge.accounts.models import User

from .agent_report import AgentReport, reports_of
from .forms.agents import NO_PROVIDER, Shown, StateGroup
from .models import AgentConfig
from .providers import PROVIDERS

# Every row is followed, and so are the builds of the header: together fewer than a connection carries.
PAGE_SIZE = 30
# A state is computed, not stored: narrowing and sorting by it looks at this many agents, the latest changed.
MOST_EXAMINED = 500
LATEST_FIRST = "-changed"

_GROUPS = {
    "running": StateGroup.WORKING,
    "queued": StateGroup.WORKING,
    "invalid": StateGroup.ATTENTION,
    "failed": StateGroup.ATTENTION,
    "warning": StateGroup.ATTENTION,
    "outdated": StateGroup.CHANGED,
    "succeeded": StateGroup.BUILT,
}
_COLUMNS = {"name": (Lower("name"),), "provider": (F("provider"), F("model")), "changed": (F("updated_at"),)}


@dataclass(frozen=True)
class AgentRow:
    """An agent as a list shows it."""

    agent: AgentConfig
    report: AgentReport

    @property
    def provider(self) -> str:
        """Return the name of its provider, as its form says it; empty if none is chosen."""
        known = PROVIDERS.get(self.agent.provider)
        return known.label if known else self.agent.provider


@dataclass(frozen=True)
class AgentList:
    """A page of agents; `examined` is set if narrowing by state looked at some of the agents only."""

    page: Page[AgentConfig]
    rows: list[AgentRow]
    examined: int = 0


def agent_list(owner: User, query: Mapping[str, Any], number: str | None) -> AgentList:
    """Return the page `number` of the agents that a cleaned AgentListForm asks for."""
    agents = _narrowed(AgentConfig.objects.owned_by(owner), query)
    state, sort = query.get("state", ""), query.get("sort") or LATEST_FIRST
    if state or sort.endswith("state"):
        return _by_state(agents, state, sort, number)
    page = Paginator(_sorted(agents, sort), PAGE_SIZE).get_page(number)
    reports = reports_of(page)
    return AgentList(page, [AgentRow(agent, reports[agent.pk]) for agent in page])


def _by_state(agents: QuerySet[AgentConfig], state: str, sort: str, number: str | None) -> AgentList:
    by_state = sort.endswith("state")
    rows = list(_sorted(agents, LATEST_FIRST if by_state else sort)[: MOST_EXAMINED + 1])
    examined = MOST_EXAMINED if len(rows) > MOST_EXAMINED else 0
    reports = reports_of(rows[:MOST_EXAMINED])
    kept = [report for report in reports.values() if not state or state in groups_of(report)]
    if by_state:
        places = {group: place for place, group in enumerate(StateGroup)}
        kept.sort(key=lambda report: places[group_of(report)], reverse=sort.startswith("-"))
    page = Paginator([report.agent for report in kept], PAGE_SIZE).get_page(number)
    return AgentList(page, [AgentRow(agent, reports[agent.pk]) for agent in page], examined)


def group_of(report: AgentReport) -> StateGroup:
    """Return the group to which an agent's headline belongs."""
    group = _GROUPS.get(report.headline.state, StateGroup.DRAFT)
    return StateGroup.DEPLOYED if group == StateGroup.BUILT and _is_deployed(report) else group


def groups_of(report: AgentReport) -> set[StateGroup]:
    """Return every group in which people look for an agent: one that failed may be online all the same."""
    groups = {group_of(report)}
    if report.trouble:
        groups.add(StateGroup.ATTENTION)
    if _is_deployed(report):
        groups.add(StateGroup.DEPLOYED)
    return groups


def _is_deployed(report: AgentReport) -> bool:
    return any(step.name == "deploy" and step.state == "succeeded" for step in report.further)


def _narrowed(agents: QuerySet[AgentConfig], query: Mapping[str, Any]) -> QuerySet[AgentConfig]:
    if words := query.get("q", ""):
        agents = agents.filter(
            Q(name__icontains=words) | Q(handle__icontains=words) | Q(description__icontains=words)
        )
    if provider := query.get("provider", ""):
        agents = agents.filter(provider="" if provider == NO_PROVIDER else provider)
    shown = query.get("shown", "")
    return agents if shown == Shown.ALL else agents.filter(archived_at__isnull=shown != Shown.ARCHIVED)


def _sorted(agents: QuerySet[AgentConfig], sort: str) -> QuerySet[AgentConfig]:
    name, descending = sort.lstrip("-"), sort.startswith("-")
    if name == "build":
        agents = agents.annotate(last_build=Max("revisions__builds__created_at"))
        columns: tuple[Any, ...] = (F("last_build"),)
    else:
        columns = _COLUMNS[name]
    # Agents without a value come last either way.
    order = [
        column.desc(nulls_last=True) if descending else column.asc(nulls_last=True) for column in columns
    ]
    return agents.order_by(*order, "-pk")

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from itertools import count

from django import template
from django.forms import BaseForm, PasswordInput
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString

from configs import agent_report
from configs.agent_list import AgentRow
from configs.changes import Changes, changes_since_revision
from configs.forms.tool_cards import blank_card
from configs.models import AgentConfig
from configs.prompt.assembly import PromptParts, system_prompt
from configs.steps import Step
from configs.tools.entries import ToolEntry

register = template.Library()
# The number of no agent, in the links of cards that are written once.
_NOBODYS = 0


@register.simple_tag(takes_context=True)
def report_of(context: template.RequestContext, agent: AgentConfig) -> agent_report.AgentReport:
    """Return the report on a page's agent."""
    return agent_report.report_for(context["request"], agent)


@register.simple_tag
def numbered_steps(report: agent_report.AgentReport) -> list[list[tuple[Step, str]]]:
    """Return the tabs and the further steps of an agent, each step with its key."""
    keys = map(str, count(1))
    return [list(zip(steps, keys, strict=False)) for steps in (report.tabs, report.further)]


@register.filter
def takes_secret(form: object) -> bool:
    """Return whether a form has a field that a page never shows filled in."""
    return isinstance(form, BaseForm) and any(
        isinstance(field.widget, PasswordInput) for field in form.fields.values()
    )


@register.simple_tag
def subject(report: agent_report.AgentReport, step: str) -> object:
    """Return the row that a step of an agent tells of, None if there is none."""
    return report.subject(step)


@register.simple_tag
def subjects(rows: Iterable[AgentRow], step: str) -> dict[int, object]:
    """Return the rows that a step of listed agents tells of, by the agent's primary key."""
    found = {row.agent.pk: row.report.subject(step) for row in rows}
    return {pk: row for pk, row in found.items() if row is not None}


@register.simple_tag
def agent_live(agent: AgentConfig) -> str:
    """Return the agent's channel and position, for the block `live` of a page."""
    return agent_report.live_position(agent)


@register.simple_tag
def prompt_of(agent: AgentConfig) -> PromptParts:
    """Return the system prompt of a draft, in parts."""
    return system_prompt(agent)


@register.simple_tag(takes_context=True)
def changes_of(context: template.Context, agent: AgentConfig) -> Changes | None:
    """Return the changes of a draft since its newest revision; None before the first."""
    return changes_since_revision(agent, context.get("revisions_read"))


@register.simple_tag(takes_context=True)
def blank_tool(context: template.RequestContext, entry: ToolEntry) -> str:
    """Return the card of a tool of which nothing is chosen, with the links of the page's agent."""
    card = _blank_tool(entry.tool.value)
    return SafeString(card.replace(_services_url(_NOBODYS), _services_url(context["agent"].pk)))


@cache
def _blank_tool(tool: str) -> str:
    """Return the card with the links of no agent: the same for everybody, so written once."""
    return render_to_string("configs/_tool_card.html", {"card": blank_card(tool), "agent": {"pk": _NOBODYS}})


def _services_url(pk: int) -> str:
    return reverse("configs:services", args=[pk])

from __future__ import annotations

from django import template

from configs import agent_report
from configs.changes import Changes, changes_since_revision
from configs.models import AgentConfig
from configs.prompt.assembly import PromptParts, system_prompt

register = template.Library()


@register.simple_tag
def report_of(agent: AgentConfig) -> agent_report.AgentReport:
    """Return the report on an agent."""
    return agent_report.report_of(agent)


@register.simple_tag
def agent_live(agent: AgentConfig) -> str:
    """Return the agent's channel and position, for the block `live` of a page."""
    return agent_report.live_position(agent)


@register.simple_tag
def prompt_of(agent: AgentConfig) -> PromptParts:
    """Return the system prompt of a draft, in parts."""
    return system_prompt(agent)


@register.simple_tag
def changes_of(agent: AgentConfig) -> Changes | None:
    """Return the changes of a draft since its newest revision; None before the first."""
    return changes_since_revision(agent)

from __future__ import annotations

from django import template

from configs import wizard_state
from configs.changes import Changes, changes_since_revision
from configs.keys.keyring import KeyTrouble, keyring_of
from configs.models import AgentConfig
from configs.prompt.assembly import PromptParts, system_prompt

register = template.Library()


@register.simple_tag
def rail_of(agent: AgentConfig, current: str) -> wizard_state.Rail:
    """Return the state of an agent's navigation rail."""
    return wizard_state.rail_of(agent, current)


@register.simple_tag
def agent_live(agent: AgentConfig) -> str:
    """Return the agent's channel and position, for the block `live` of a page."""
    return wizard_state.live_position(agent)


@register.simple_tag
def prompt_of(agent: AgentConfig) -> PromptParts:
    """Return the system prompt of a draft, in parts."""
    return system_prompt(agent)


@register.simple_tag
def changes_of(agent: AgentConfig) -> Changes | None:
    """Return the changes of a draft since its newest revision; None before the first."""
    return changes_since_revision(agent)


@register.simple_tag
def key_trouble_of(agent: AgentConfig) -> KeyTrouble | None:
    """Return the known reason why an agent can't use its key, if any."""
    return keyring_of(agent.owner_id).trouble_of(agent)

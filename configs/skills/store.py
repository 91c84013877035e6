"""The skills of a draft: added, replaced and removed; each change is told to whoever looks on."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone

from agentforge.accounts.throttling.acts import Act, performs
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service
from configs.announcements import announce
from configs.models import AgentConfig, lock_agent

from .entries import Skill, check_room
from .markdown import SkillRefused


@performs(Act.ADD_FILE)
def add_skill(agent: AgentConfig, skill: Skill) -> bool:
    """Give a draft a skill that entries.clean_skill returned; return whether it replaced one of its name.

    Raises SkillRefused if there is no room.
    """
    name = skill["name"]
    replaced = False

    def added(skills: list[Skill]) -> list[Skill]:
        nonlocal replaced
        others = [each for each in skills if each["name"] != name]
        replaced = len(others) < len(skills)
        try:
            check_room([*others, skill])
        except ValidationError as error:
            raise SkillRefused(list(error.messages)) from error
        return [*others, skill]

    _change(agent, added, Action.SKILL_ADDED, name)
    return replaced


@performs(Act.REMOVE_FILE)
def remove_skill(agent: AgentConfig, name: str) -> None:
    """Take a skill from a draft; revisions that have it keep it."""
    _change(
        agent,
        lambda skills: [each for each in skills if each["name"] != name],
        Action.SKILL_REMOVED,
        name,
    )


def set_skills(agent: AgentConfig, skills: list[Skill]) -> None:
    """Make these the skills of a draft, in the caller's transaction as the service."""
    AgentConfig.objects.filter(pk=agent.pk).update(skills=skills, updated_at=timezone.now())
    announce(agent.pk, agent.owner_id, {"kind": "draft"})


def _change(
    agent: AgentConfig, change: Callable[[list[Skill]], list[Skill]], action: Action, name: str
) -> None:
    with transaction.atomic(), as_service():
        locked = lock_agent(agent.pk)
        skills = sorted(change(locked.skills), key=lambda skill: str(skill["name"]))
        set_skills(agent, skills)
        record(action, owner=agent.owner_id, subject=agent, skill=name)

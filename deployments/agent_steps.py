"""How an agent's step Deploy stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.urls import reverse

from configs.keys.keyring import Keyring
from configs.models import AgentConfig
from configs.steps import Step

from . import history
from .models import UNFINISHED, Deployment, DeploymentStatus


def deploy_steps(agents: Sequence[AgentConfig], ring: Keyring, sites: Sequence[Any]) -> dict[int, list[Step]]:
    """Return the step Deploy of agents by primary key, by their rows of `deployed_sites`."""
    found = history.by_agent(sites)
    return {agent.pk: [_step(agent, found[agent.pk].online, found[agent.pk].last)] for agent in agents}


def _step(agent: AgentConfig, online: history.LiveSite | None, last: Deployment | None) -> Step:
    state, word, headline = "pending", "", ""
    if last is not None and last.status in UNFINISHED:
        state, word, headline = last.status, "deploying", f"Deploying to {last.site.name}"
    elif last is not None and last.status == DeploymentStatus.FAILED:
        state, word, headline = "failed", "failed", f"Deployment {last.pk} failed"
    elif online is not None and online.live is None:
        state, word, headline = "warning", "changed elsewhere", f"{online.site.name} was changed elsewhere"
    elif online is not None and online.live is not None:
        reached = "live" if online.answers else "ready to run"
        state, word = "succeeded", f"{reached}, revision {online.live.revision.number}"
        headline = word.capitalize()
    url = reverse("deployments:agent", args=[agent.pk])
    return Step("deploy", "Deploy", url, state, word, headline, subject=online)

"""Tags of the pages that show what was built."""

from __future__ import annotations

from collections.abc import Iterable

from django import template

from builds.models import Build
from configs.models import AgentConfig

register = template.Library()


@register.simple_tag
def last_builds(agents: Iterable[AgentConfig]) -> dict[int, Build]:
    """Return the newest build of each agent by the agent's primary key; one query."""
    builds = Build.objects.filter(revision__agent__in=list(agents)).select_related("revision")
    newest = builds.order_by("revision__agent_id", "-pk").distinct("revision__agent_id")
    return {build.revision.agent_id: build for build in newest}

"""The cases of the templates for new agents: examples/cases/."""

from __future__ import annotations

from functools import cache

from django.conf import settings

from configs.agent_templates import agent_templates


@cache
def template_cases() -> dict[str, str]:
    """Return a file of cases for each template, by its slug."""
    directory = settings.BASE_DIR / "examples" / "cases"
    return {slug: (directory / f"{slug}.yaml").read_text(encoding="utf-8") for slug in agent_templates()}

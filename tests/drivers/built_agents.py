"""Give agents the files of a real build, without compiling each."""

from __future__ import annotations

from typing import TypeVar

from django.db import models

from builds.models import Artifact, Build, BuildTarget
from configs.models import AgentConfig, Revision
from configs.services import create_agent

Row = TypeVar("Row", bound=models.Model)


def copies(build: Build, owner_id: object, count: int) -> list[AgentConfig]:
    """Return new agents of an owner, each with a copy of a finished build of the same draft."""
    return [_copy(build, owner_id, number) for number in range(count)]


def _copy(build: Build, owner_id: object, number: int) -> AgentConfig:
    draft: AgentConfig = build.revision.agent
    values = {field.attname: getattr(draft, field.attname) for field in draft._meta.concrete_fields}
    agent = create_agent(
        AgentConfig(**{**values, "id": None, "owner_id": owner_id, "handle": f"copy-{number}"})
    )
    revision: Revision = _clone(build.revision, owner_id=owner_id, agent=agent)
    copied = _clone(build, owner_id=owner_id, revision=revision, job_id=None)
    for row in (*BuildTarget.objects.filter(build=build), *Artifact.objects.filter(build=build)):
        _clone(row, owner_id=owner_id, build=copied)
    return agent


def _clone(row: Row, **changes: object) -> Row:
    values = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    values[row._meta.pk.attname] = None
    clone = type(row)(**values)
    for name, value in changes.items():
        setattr(clone, name, value)
    clone.save(force_insert=True)
    return clone

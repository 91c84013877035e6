"""Choose the builders of a target: this machine and remote ones, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.conf import settings

from builds.compiler.inputs import Inputs, gather
from builds.errors import ToolchainMissing
from builds.models import Build, BuildStatus

from . import builders, records
from .builders import LOCAL, Builder

_REQUESTED = "it was asked for"


@dataclass(frozen=True, kw_only=True)
class LocalCandidate:
    """This machine, which may compile for at most `seconds`."""

    inputs: Inputs
    seconds: float | None = None
    reason: str = ""
    # A person chose this builder: do not reuse another builder's files.
    is_requested: bool = False
    name = LOCAL
    place = "here"


@dataclass(frozen=True, kw_only=True)
class RemoteCandidate:
    """A remote builder."""

    builder: Builder
    reason: str = ""
    is_requested: bool = False

    @property
    def name(self) -> str:
        return self.builder.name

    @property
    def place(self) -> str:
        return f"by {self.name}"


Candidate = LocalCandidate | RemoteCandidate


def candidates(build_id: int, document: str, target: str) -> list[Candidate]:
    """Return a target's candidate builders in order of preference; at least one.

    Raises ToolchainMissing when nobody can, BuildError for an unknown target or damaged sources.
    """
    remote = [RemoteCandidate(builder=each) for each in builders.configured().values()]
    if not remote:
        return [LocalCandidate(inputs=gather(document, target))]
    ordered: list[Candidate]
    try:
        ordered = _order(
            Build.objects.get(pk=build_id), LocalCandidate(inputs=gather(document, target)), remote
        )
    except ToolchainMissing as missing:
        ordered = [*_preferred(remote, f"this forge can't compile it: {missing}")]
    unfinished = records.unfinished(build_id, target)
    for started in remote:
        if unfinished and unfinished.builder == started.name:
            # Continue there: finished work is not repeated.
            others = [each for each in ordered if each.name != started.name]
            return [replace(started, reason="it had begun there"), *others]
    return ordered


def _order(build: Build, local: LocalCandidate, remote: list[RemoteCandidate]) -> list[Candidate]:
    if build.wanted_builder == LOCAL:
        return [replace(local, reason=_REQUESTED, is_requested=True), *remote]
    wanted = [each for each in remote if each.name == build.wanted_builder]
    if wanted:
        others = [each for each in remote if each not in wanted]
        return [replace(wanted[0], reason=_REQUESTED, is_requested=True), local, *others]
    limit = settings.AGENTFORGE_LOCAL_QUEUE
    waiting = Build.objects.filter(status=BuildStatus.QUEUED).count()
    if 0 < limit < waiting:
        return [*_preferred(remote, f"{waiting} builds wait here, more than {limit}"), local]
    if seconds := settings.AGENTFORGE_LOCAL_SECONDS:
        return [replace(local, reason="this machine comes first", seconds=seconds), *remote, local]
    return [local, *remote]


def _preferred(remote: list[RemoteCandidate], reason: str) -> list[RemoteCandidate]:
    return [replace(each, reason=reason) for each in remote]

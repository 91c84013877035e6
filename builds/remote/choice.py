"""Choose the builders of a target: this machine and remote ones, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from builds.compiler import targets
from builds.models import Build, BuildStatus

from . import builders, records
from .builders import LOCAL, Builder

_REQUESTED = "it was asked for"


@dataclass(frozen=True)
class BuilderCandidate:
    """A builder and why it was chosen; `builder` is None for this machine, limited to `seconds`."""

    builder: Builder | None
    why: str
    seconds: float | None = None
    # A person chose this builder: do not reuse another builder's files.
    requested: bool = False

    @property
    def name(self) -> str:
        return self.builder.name if self.builder else LOCAL


def is_offered(target: targets.Target) -> str:
    """Return why no builder can build a target; empty when this machine or a remote builder may.

    A remote builder is assumed to have every compiler; it refuses the job when it does not.
    """
    return "" if builders.configured() else targets.refusal(target)


def candidates(build_id: int, target: str) -> list[BuilderCandidate]:
    """Return the builders of a build's target in the order in which to try them; at least one."""
    remote = builders.configured()
    if not remote:
        return [BuilderCandidate(None, "")]
    build = Build.objects.get(pk=build_id)
    ordered = _ordered(build, remote, targets.refusal(targets.get(target)))
    unfinished = records.unfinished(build_id, target)
    if unfinished and unfinished.builder in remote:
        # Resume there, without repeating what is done.
        resumed = BuilderCandidate(remote[unfinished.builder], "it had begun there")
        return [resumed, *(each for each in ordered if each.name != resumed.name)]
    return ordered


def _ordered(build: Build, remote: dict[str, Builder], local_refusal: str) -> list[BuilderCandidate]:
    """Order the builders; `local_refusal` is why this machine can't compile the target, empty if it can."""
    if local_refusal:
        why = f"this forge can't compile it: {local_refusal}"
        return [BuilderCandidate(each, why) for each in remote.values()]
    local = BuilderCandidate(None, "")
    others = [BuilderCandidate(each, "") for each in remote.values() if each.name != build.wanted_builder]
    if build.wanted_builder == LOCAL:
        return [BuilderCandidate(None, _REQUESTED, requested=True), *others]
    if build.wanted_builder in remote:
        requested = BuilderCandidate(remote[build.wanted_builder], _REQUESTED, requested=True)
        return [requested, local, *others]
    limit, queued = settings.AGENTFORGE_LOCAL_QUEUE, Build.objects.filter(status=BuildStatus.QUEUED).count()
    if 0 < limit < queued:
        why = f"{queued} builds wait here, more than {limit}"
        return [*(BuilderCandidate(each, why) for each in remote.values()), local]
    if not settings.AGENTFORGE_LOCAL_SECONDS:
        return [local, *others]
    seconds = settings.AGENTFORGE_LOCAL_SECONDS
    return [BuilderCandidate(None, "this machine comes first", seconds), *others, local]

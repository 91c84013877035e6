"""Choose who builds: this machine or a remote builder, in which order, and why."""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings

from builds.compiler import targets
from builds.models import Build, BuildStatus

from . import builders, records
from .builders import LOCAL, Builder

_ASKED = "it was asked for"


@dataclass(frozen=True)
class Way:
    """Name who may build, and why; `builder` is None for this machine, which gets at most `seconds`."""

    builder: Builder | None
    why: str
    seconds: float | None = None
    # Somebody wants this builder: what was built elsewhere before does not do.
    asked: bool = False

    @property
    def name(self) -> str:
        return self.builder.name if self.builder else LOCAL


def is_offered(target: targets.Target) -> str:
    """Say why a target can be built nowhere; empty when this machine or a remote builder may build it.

    What a remote builder can do is known when it is asked: until then it is believed to have all compilers.
    """
    return "" if builders.configured() else targets.refusal(target)


def ways(build_id: int, target: str) -> list[Way]:
    """Return who may build a target of a build, in the order in which they are tried; never nobody."""
    remote = list(builders.configured().values())
    if not remote:
        return [Way(None, "")]
    build = Build.objects.get(pk=build_id)
    missing = targets.refusal(targets.get(target))
    elsewhere, seconds = _wish(build, missing)
    left_open = records.unfinished(build_id, target)
    chosen = _order(remote, elsewhere, seconds, here=not missing)
    if left_open and left_open.builder in (each.name for each in remote):
        # It goes on there: what is done is not done again.
        found = next(each for each in remote if each.name == left_open.builder)
        rest = [way for way in chosen if way.name != found.name]
        return [Way(found, "it had begun there"), *rest]
    return chosen


def _wish(build: Build, missing: str) -> tuple[dict[str, str], float | None]:
    """Return why a remote builder (by name, `` for any) goes first, and the time limit of this machine."""
    wanted = build.wanted_builder
    limit = settings.AGENTFORGE_LOCAL_SECONDS or None
    if missing:
        return {"": f"this forge can't compile it: {missing}"}, None
    if wanted == LOCAL:
        return {LOCAL: _ASKED}, None
    if wanted in builders.configured():
        return {wanted: _ASKED}, None
    most = settings.AGENTFORGE_LOCAL_QUEUE
    waiting = Build.objects.filter(status=BuildStatus.QUEUED).count()
    if 0 < most < waiting:
        return {"": f"{waiting} builds wait here, more than {most}"}, None
    return {}, limit


def _order(
    remote: list[Builder], elsewhere: dict[str, str], seconds: float | None, *, here: bool
) -> list[Way]:
    any_why = elsewhere.get("", "")
    first = [Way(each, elsewhere.get(each.name) or any_why, asked=each.name in elsewhere) for each in remote]
    preferred = [way for way in first if way.why]
    others = [Way(way.builder, "") for way in first if not way.why]
    local = [Way(None, elsewhere.get(LOCAL, ""), asked=LOCAL in elsewhere)] if here else []
    if preferred or seconds is None:
        return [*preferred, *local, *others]
    return [Way(None, "this machine comes first", seconds), *others, *local]

"""The dashboard panels about builds."""

from __future__ import annotations

from django.template.defaultfilters import filesizeformat
from django.urls import reverse

from agentforge.administration.dashboard import Fact, Panel, ago, register
from builds.models import BuildStatus

from . import metrics


@register
def _builds() -> Panel:
    now = metrics.measure()
    url = reverse("admin:builds_build_changelist")
    ended = now.ended[BuildStatus.SUCCEEDED] + now.ended[BuildStatus.FAILED]
    rate = "none finished yet"
    if now.failure_ratio is not None:
        rate = f"{100 * now.failure_ratio:.0f} % of the last {ended}"
    facts = [
        Fact("Waiting", str(now.queued), f"{url}?status__exact=queued"),
        Fact("Oldest waiting", f"{ago(now.oldest_queued)}" if now.oldest_queued else "none"),
        Fact("Running", str(now.running), f"{url}?status__exact=running"),
        Fact("Failed", rate, f"{url}?status__exact=failed"),
    ]
    if now.seconds is not None:
        facts.append(Fact("A build takes", f"{now.seconds:.1f} s on average"))
    facts += [
        Fact("Free on the disk", f"{filesizeformat(now.disk_free)} of {filesizeformat(now.disk_total)}"),
        Fact("Go's cache", filesizeformat(now.cache_bytes)),
    ]
    return Panel("Builds", facts)


@register
def _running() -> Panel:
    facts = [
        Fact(
            f"Build {build.pk} of {build.revision.agent.name}",
            f"for {ago(build.started_at)}" if build.started_at else "just now",
            reverse("admin:builds_build_change", args=[build.pk]),
        )
        for build in metrics.running()
    ]
    return Panel("Running now", facts or [Fact("Running", "nothing")])

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from agentforge.accounts.models import User
from agentforge.administration.pages import ReadOnlyAdmin, link_to

from . import services
from .accounts import AccountProblem
from .errors import NotPossible
from .hosts import HostError
from .models import Deployment, Site

Work = Callable[[Deployment, User], object]


@admin.register(Site)
class SiteAdmin(ReadOnlyAdmin):
    list_display = ("name", "of_agent", "whose", "url", "access", "locked", "live_remote_id", "problem",
                    "looked_at", "deleted_at")  # fmt: skip
    list_filter = ("host", "access", "locked", "deleted_at")
    list_select_related = ("owner", "agent")
    search_fields = ("name", "remote_id", "owner__email")
    ordering = ("-id",)
    fields = ("name", "of_agent", "whose", "host", "remote_id", "url", "admin_url", "team_slug", "access",
              "offers_download", "variables", "live_remote_id", "locked", "problem", "looked_at",
              "created_at", "deleted_at")  # fmt: skip

    @admin.display(description="agent", ordering="agent__name")
    def of_agent(self, site: Site) -> str:
        return link_to(site.agent)

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, site: Site) -> str:
        return link_to(site.owner)


@admin.register(Deployment)
class DeploymentAdmin(ReadOnlyAdmin):
    list_display = (
        "__str__",
        "of_site",
        "of_build",
        "whose",
        "status",
        "draft",
        "live",
        "reason",
        "created_at",
    )
    list_filter = ("status", "draft", "reason", "created_at")
    list_select_related = ("owner", "site", "build")
    search_fields = ("=id", "remote_id", "owner__email", "site__name", "error")
    date_hierarchy = "created_at"
    actions = ("cancel", "retry", "roll_back")
    fields = ("of_site", "of_build", "whose", "asked_by", "status", "draft", "live", "title", "remote_id",
              "content_sha256", "url", "files", "uploaded_files", "uploaded_bytes", "reason", "error",
              "attempts", "job_id", "steps", "created_at", "started_at", "finished_at",
              "published_at")  # fmt: skip

    @admin.display(description="site", ordering="site__name")
    def of_site(self, deployment: Deployment) -> str:
        return link_to(deployment.site)

    @admin.display(description="build")
    def of_build(self, deployment: Deployment) -> str:
        return link_to(deployment.build) if deployment.build else ""

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, deployment: Deployment) -> str:
        return link_to(deployment.owner)

    @admin.display(description="live", boolean=True)
    def live(self, deployment: Deployment) -> bool:
        return deployment.is_live

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._do(request, chosen, "cancelled", services.cancel)

    @admin.action(description="Deploy again", permissions=["operate"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._do(request, chosen, "started again", services.retry)

    @admin.action(description="Put live: promote or roll back", permissions=["operate"])
    def roll_back(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._do(request, chosen, "put live", services.publish)

    def _do(self, request: HttpRequest, chosen: QuerySet[Deployment], word: str, work: Work) -> None:
        done = 0
        for deployment in chosen.select_related("site", "build", "owner"):
            try:
                work(deployment, cast(User, request.user))
                done += 1
            except (NotPossible, AccountProblem, HostError) as refusal:
                self.message_user(request, f"{deployment}: {refusal}", messages.WARNING)
        self.message_user(request, f"{done} {word}.")

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, TypeVar, cast

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html

from agentforge.accounts.models import User
from agentforge.model_admin import ReadOnlyAdmin, link_to

from . import services
from .accounts.host_accounts import AccountProblem
from .admin_filters import LiveFilter, ShowsFilter
from .errors import NotPossible
from .history import SiteContent, with_content
from .hosts.base import HostError
from .hosts.registry import KINDS, NETLIFY
from .models import Connection, Deployment, Site
from .sites import lifecycle, polling

Row = TypeVar("Row", Site, Deployment)


class HostAdmin(ReadOnlyAdmin):
    """A read-only list with actions on its rows."""

    def _apply(
        self,
        request: HttpRequest,
        chosen: Iterable[Row],
        done: str,
        action: Callable[[Row, User], object],
    ) -> None:
        """Apply an action to each row, report the number of successes, and why the others were refused."""
        count = 0
        for row in chosen:
            try:
                action(row, cast(User, request.user))
                count += 1
            except (NotPossible, AccountProblem, HostError) as refusal:
                self.message_user(request, f"{row}: {refusal}", messages.WARNING)
        self.message_user(request, f"{count} {done}.")


def external_link(url: str, text: str) -> str:
    """Return a link without a referrer; empty unless the URL is https."""
    if not url.startswith("https://"):
        return ""
    return format_html('<a href="{}" rel="noreferrer">{}</a>', url, text)


@admin.register(Connection)
class ConnectionAdmin(ReadOnlyAdmin):
    """The connected accounts, without their tokens."""

    row_names = ("connected account", "connected accounts")
    list_display = ("__str__", "whose", "host", "of_teams", "problem", "checked_at")
    list_filter = ("host", ("problem", admin.EmptyFieldListFilter), "checked_at")
    list_select_related = ("owner",)
    search_fields = ("who", "email", "owner__email")
    ordering = ("-id",)
    fields = ("whose", "host", "who", "email", "of_teams", "of_key", "problem", "checked_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        connections: QuerySet[Connection] = super().get_queryset(request).select_related("owner", "key")
        return connections.defer("key__ciphertext")

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, connection: Connection) -> str:
        return link_to(connection.owner)

    @admin.display(description="teams")
    def of_teams(self, connection: Connection) -> str:
        return ", ".join(team["name"] for team in connection.teams)

    @admin.display(description="key")
    def of_key(self, connection: Connection) -> str:
        return link_to(connection.key, "in the vault")


@admin.register(Site)
class SiteAdmin(HostAdmin):
    list_display = ("name", "of_agent", "whose", "host", "shows", "locked", "at_host", "problem", "looked_at")
    list_filter = (ShowsFilter, "host", "access", "locked", ("problem", admin.EmptyFieldListFilter),
                   "deleted_at")  # fmt: skip
    list_select_related = ("owner", "agent")
    search_fields = ("name", "remote_id", "owner__email", "agent__name")
    ordering = ("-id",)
    actions = ("refresh", "lock", "unlock")
    fields = ("name", "of_agent", "whose", "host", "remote_id", "url", "at_host", "team_slug", "access",
              "offers_download", "variables", "shows", "live_remote_id", "locked", "problem", "looked_at",
              "created_at", "deleted_at")  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Site]:
        return with_content(super().get_queryset(request))

    @admin.display(description="shows", ordering="shows")
    def shows(self, site: Site) -> str:
        return str(SiteContent(cast(Any, site).shows).label.lower())

    @admin.display(description="at the host")
    def at_host(self, site: Site) -> str:
        return "" if site.deleted_at else external_link(site.admin_url, KINDS[site.host].label)

    @admin.action(description="Check again", permissions=["operate"])
    def refresh(self, request: HttpRequest, chosen: QuerySet[Site]) -> None:
        self._apply(request, chosen, "refreshed", _refresh)

    @admin.action(description="Lock to the live deploy", permissions=["operate"])
    def lock(self, request: HttpRequest, chosen: QuerySet[Site]) -> None:
        self._apply(request, chosen, "locked", partial(_lock, locked=True))

    @admin.action(description="Unlock", permissions=["operate"])
    def unlock(self, request: HttpRequest, chosen: QuerySet[Site]) -> None:
        self._apply(request, chosen, "unlocked", partial(_lock, locked=False))

    @admin.display(description="agent", ordering="agent__name")
    def of_agent(self, site: Site) -> str:
        return link_to(site.agent)

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, site: Site) -> str:
        return link_to(site.owner)


@admin.register(Deployment)
class DeploymentAdmin(HostAdmin):
    byte_fields = ("uploaded_bytes",)
    list_display = ("__str__", "of_site", "of_build", "whose", "status", "draft", "live", "at_host",
                    "created_at")  # fmt: skip
    list_filter = ("status", LiveFilter, "draft", "reason", "created_at")
    list_select_related = ("owner", "site", "build")
    search_fields = ("=id", "remote_id", "owner__email", "site__name", "error")
    actions = ("cancel", "retry", "roll_back")
    fields = ("of_site", "of_build", "whose", "asked_by", "status", "draft", "live", "title", "remote_id",
              "at_host", "content_sha256", "url", "files", "uploaded_files", "uploaded_bytes", "reason",
              "error", "attempts", "job_id", "steps", "created_at", "started_at", "finished_at",
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

    @admin.display(description="at the host")
    def at_host(self, deployment: Deployment) -> str:
        site = deployment.site
        if site.host != NETLIFY or site.deleted_at or not deployment.remote_id:
            return ""
        # The page that Netlify's own CLI links to.
        return external_link(site.admin_url and f"{site.admin_url}/deploys/{deployment.remote_id}", "Netlify")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._apply(request, chosen, "cancelled", services.cancel)

    @admin.action(description="Deploy again", permissions=["operate"])
    def retry(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._apply(request, chosen, "started again", services.retry)

    @admin.action(description="Put live: promote or roll back", permissions=["operate"])
    def roll_back(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._apply(request, chosen, "put live", services.publish)


def _refresh(site: Site, by: User) -> None:
    _refuse_deleted(site)
    polling.refresh_site(site)
    site.refresh_from_db()
    if site.problem:
        raise NotPossible(site.problem)


def _lock(site: Site, by: User, *, locked: bool) -> None:
    _refuse_deleted(site)
    if site.locked == locked:
        raise NotPossible(f"It is already {'locked' if locked else 'unlocked'}.")
    lifecycle.set_lock(site, by, locked=locked)


def _refuse_deleted(site: Site) -> None:
    if site.deleted_at is not None:
        raise NotPossible("It was deleted, or replaced by another site.")

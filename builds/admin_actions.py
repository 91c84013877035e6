"""The admin actions of builds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agentforge.http import Request
from agentforge.model_admin import ReadOnlyAdmin

from .models import Build
from .operations import bulk_actions
from .remote import builders

if TYPE_CHECKING:
    Base = ReadOnlyAdmin
else:
    Base = object


class BuildActions(Base):
    """Each action calls a service and reports how many builds it changed."""

    actions = ("rebuild", "retry", "cancel", "pin", "unpin", "expire")

    @admin.action(description="Rebuild succeeded builds", permissions=["operate"])
    def rebuild(self, request: Request, builds: QuerySet[Build]) -> None:
        count = bulk_actions.rebuild(builds, request.user)
        self.report(request, "Enqueued again", count, len(builds), "not succeeded, or the queue is full")

    @admin.action(description="Retry failed and cancelled builds", permissions=["operate"])
    def retry(self, request: Request, builds: QuerySet[Build]) -> None:
        count = bulk_actions.retry(builds, request.user)
        self.report(request, "Enqueued again", count, len(builds), "neither failed nor cancelled")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: Request, builds: QuerySet[Build]) -> None:
        count = bulk_actions.cancel(builds, request.user)
        self.report(request, "Cancelled", count, len(builds), "already finished")

    @admin.action(description="Pin the files", permissions=["operate"])
    def pin(self, request: Request, builds: QuerySet[Build]) -> None:
        count = bulk_actions.pin(builds, request.user)
        self.report(request, "Pinned", count, len(builds), "already pinned, or removed")

    @admin.action(description="Unpin the files", permissions=["operate"])
    def unpin(self, request: Request, builds: QuerySet[Build]) -> None:
        self.report(request, "Unpinned", bulk_actions.unpin(builds, request.user), len(builds), "not pinned")

    @admin.action(description="Remove the files now", permissions=["operate"])
    def expire(self, request: Request, builds: QuerySet[Build]) -> None:
        count = bulk_actions.expire(builds, request.user)
        self.report(
            request, "Files removed", count, len(builds), "pinned, in use, unfinished, or already removed"
        )

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Add one action per builder that can be preferred."""
        actions = super().get_actions(request)
        if self.has_operate_permission(request):
            for builder in (builders.LOCAL, *builders.configured()):
                name = f"prefer {builder}"
                actions[name] = (_prefer_action(builder), name, f"Prefer the builder {builder}")
        return actions


def _prefer_action(builder: str) -> Any:
    def prefer(model_admin: BuildActions, request: Request, builds: QuerySet[Build]) -> None:
        count = bulk_actions.prefer(builds, builder, request.user)
        model_admin.report(request, f"Prefer {builder}", count, len(builds), "not queued, or already so")

    return prefer

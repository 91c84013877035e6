"""What operators may do with the builds that they chose in the administration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agentforge.administration.model_admin import ReadOnlyAdmin
from agentforge.http import Request

from .models import Build
from .operations import bulk_actions
from .remote import builders

if TYPE_CHECKING:
    Base = ReadOnlyAdmin
else:
    Base = object


class BuildActions(Base):
    """Each action calls a service, and says for how many builds it did its work."""

    actions = ("rebuild", "retry", "cancel", "pin", "unpin", "expire")

    @admin.action(description="Build again what succeeded", permissions=["operate"])
    def rebuild(self, request: Request, builds: QuerySet[Build]) -> None:
        done = bulk_actions.rebuild(builds, request.user)
        self.report(request, "Asked for again", done, len(builds), "not succeeded, or too many wait")

    @admin.action(description="Build again what failed or was cancelled", permissions=["operate"])
    def retry(self, request: Request, builds: QuerySet[Build]) -> None:
        done = bulk_actions.retry(builds, request.user)
        self.report(request, "Asked for again", done, len(builds), "neither failed nor cancelled")

    @admin.action(description="Cancel", permissions=["operate"])
    def cancel(self, request: Request, builds: QuerySet[Build]) -> None:
        self.report(
            request, "Cancelled", bulk_actions.cancel(builds, request.user), len(builds), "over already"
        )

    @admin.action(description="Pin the files", permissions=["operate"])
    def pin(self, request: Request, builds: QuerySet[Build]) -> None:
        self.report(
            request, "Pinned", bulk_actions.pin(builds, request.user), len(builds), "pinned already, or gone"
        )

    @admin.action(description="Unpin the files", permissions=["operate"])
    def unpin(self, request: Request, builds: QuerySet[Build]) -> None:
        self.report(request, "Unpinned", bulk_actions.unpin(builds, request.user), len(builds), "not pinned")

    @admin.action(description="Remove the files now", permissions=["operate"])
    def expire(self, request: Request, builds: QuerySet[Build]) -> None:
        done = bulk_actions.expire(builds, request.user)
        self.report(request, "Files removed", done, len(builds), "pinned, in use, not over, or gone already")

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Add one action for each builder that can be preferred."""
        found = super().get_actions(request)
        if self.has_operate_permission(request):
            for builder in (builders.LOCAL, *builders.configured()):
                name = f"prefer {builder}"
                found[name] = (_preferring(builder), name, f"Prefer the builder {builder}")
        return found


def _preferring(builder: str) -> Any:
    def prefer(model_admin: BuildActions, request: Request, builds: QuerySet[Build]) -> None:
        done = bulk_actions.prefer(builds, builder, request.user)
        model_admin.report(request, f"Prefer {builder}", done, len(builds), "not waiting, or so already")

    return prefer

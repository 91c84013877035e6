from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html_join

from agentforge.http import Request
from agentforge.model_admin import ReadOnlyAdmin

from . import bulk_actions, roles
from .models import Role, User

# Permissions follow from a user's role.
admin.site.unregister(Group)

_ROLE_ACTIONS = ("make_viewer", "make_operator", "take_role")


def _count(relation: str) -> Coalesce:
    """Count a user's rows in a subquery: two joins would multiply each other's rows."""
    rows: Any = User._meta.get_field(relation).related_model
    counted = rows.objects.filter(owner=OuterRef("pk")).order_by().values("owner")
    return Coalesce(Subquery(counted.annotate(n=Count("pk")).values("n"), output_field=IntegerField()), 0)


@admin.register(User)
class UserAdmin(ReadOnlyAdmin):
    list_display = ("email", "role_name", "is_active", "has_second_factor", "agent_count", "build_count",
                    "last_sign_in", "created_at")  # fmt: skip
    list_filter = ("is_active", "role", "is_staff", "is_superuser", "has_second_factor", "created_at")
    search_fields = ("email", "=id")
    ordering = ("-created_at",)
    fields = ("email", "id", "role_name", "is_active", "has_second_factor", "agent_count", "build_count",
              "last_sign_in", "created_at", "belongings")  # fmt: skip
    actions = ("disable", "enable", "end_sessions", *_ROLE_ACTIONS)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        users: QuerySet[User] = super().get_queryset(request)
        return users.annotate(agent_count=_count("agents"), build_count=_count("builds"))

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions = super().get_actions(request)
        if not bulk_actions.operators_assign_roles():
            for name in _ROLE_ACTIONS:
                actions.pop(name, None)
        return actions

    @admin.display(description="role", ordering="role")
    def role_name(self, user: User) -> str:
        return roles.of(user).value

    @admin.display(description="agents", ordering="agent_count")
    def agent_count(self, user: Any) -> int:
        return int(user.agent_count)

    @admin.display(description="builds", ordering="build_count")
    def build_count(self, user: Any) -> int:
        return int(user.build_count)

    @admin.display(description="last sign-in", ordering="last_login")
    def last_sign_in(self, user: User) -> Any:
        return user.last_login

    @admin.display(description="rows")
    def belongings(self, user: User) -> str:
        """Return links to the lists of the user's rows."""
        owned = [
            model
            for model in self.admin_site._registry
            if any(field.name == "owner" for field in model._meta.get_fields())
        ]
        return format_html_join(
            " · ",
            '<a href="{}?owner__id__exact={}">{}</a>',
            (
                (
                    reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
                    user.pk,
                    model._meta.verbose_name_plural,
                )
                for model in owned
            ),
        )

    @admin.action(description="Disable: sign out and block sign-in", permissions=["operate"])
    def disable(self, request: Request, users: QuerySet[User]) -> None:
        done = bulk_actions.disable(users, by=request.user)
        self.report(request, "Disabled", done, len(users), "already disabled, or your own account")

    @admin.action(description="Enable", permissions=["operate"])
    def enable(self, request: Request, users: QuerySet[User]) -> None:
        done = bulk_actions.enable(users, by=request.user)
        self.report(request, "Enabled", done, len(users), "not disabled")

    @admin.action(description="Sign out everywhere", permissions=["operate"])
    def end_sessions(self, request: Request, users: QuerySet[User]) -> None:
        done = bulk_actions.end_sessions(users, by=request.user)
        self.report(request, "Signed out everywhere", done, len(users))

    @admin.action(description="Make viewer: read-only access", permissions=["operate"])
    def make_viewer(self, request: Request, users: QuerySet[User]) -> None:
        self._assign(request, users, Role.VIEWER)

    @admin.action(description="Make operator: full access", permissions=["operate"])
    def make_operator(self, request: Request, users: QuerySet[User]) -> None:
        self._assign(request, users, Role.OPERATOR)

    @admin.action(description="Remove the role", permissions=["operate"])
    def take_role(self, request: Request, users: QuerySet[User]) -> None:
        self._assign(request, users, Role.NONE)

    def _assign(self, request: Request, users: QuerySet[User], role: Role) -> None:
        done = bulk_actions.assign_role(users, role, by=request.user)
        self.report(
            request,
            f"Now {role.value or 'without a role'}",
            done,
            len(users),
            "already so, or your own account",
        )

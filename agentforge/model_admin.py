"""What the administration's pages have in common: they show, and change by actions only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Show rows to who may view them; what operators do is an action that calls a service."""

    list_per_page = 50
    # Counting all rows of a long table besides those that are looked for takes long and says little.
    show_full_result_count = False
    # The site shows a row to its owner only.
    view_on_site = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether somebody may use actions (`permissions=["operate"]`); viewers may not."""
        return request.user.is_active and request.user.is_superuser

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Lead to what the audit log says of a row."""
        named = urlencode(
            {"subject_kind__exact": self.model._meta.model_name, "subject_id__exact": unquote(object_id)}
        )
        return redirect(f"{reverse('admin:audit_auditevent_changelist')}?{named}")

    def report(self, request: HttpRequest, words: str, done: int, asked: int, why_not: str = "") -> None:
        """Say for how many of the chosen rows an action did its work, and why not for the others."""
        skipped = asked - done
        said = f"{words}: {done}." + (f" Left as they were: {skipped} ({why_not})." if skipped else "")
        self.message_user(request, said, messages.WARNING if skipped else messages.SUCCESS)


def link_to(row: models.Model | None, words: str = "") -> str:
    """Return a link to a row's page in the administration."""
    if row is None:
        return ""
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, words or str(row))

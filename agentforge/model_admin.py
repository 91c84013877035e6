"""What the administration's pages share: they are read-only, and change rows only by actions."""

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
from django.utils.text import capfirst

from agentforge import formats

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class ReadOnlyAdmin(ModelAdmin):
    """Read-only pages; operators change rows by actions that call services."""

    list_per_page = 50
    # Counting all rows of a large table besides the search results is slow and says little.
    show_full_result_count = False
    # So is counting the rows of each choice of each filter, each time among all rows.
    show_facets = admin.ShowFacets.NEVER
    # And so is a hierarchy of dates, which looks for the days of all rows: lists have a filter by date.
    date_hierarchy = None
    # The site shows a row only to its owner.
    view_on_site = False
    # What people call one row and several, where that is not the name of the class.
    row_names: tuple[str, str] | None = None
    # The fields that hold a number of bytes.
    byte_fields: tuple[str, ...] = ()

    def __init__(self, model: type[models.Model], admin_site: admin.AdminSite) -> None:
        super().__init__(model, admin_site)
        if self.row_names:
            model._meta.verbose_name, model._meta.verbose_name_plural = self.row_names
        self.list_display = [self._in_words(name) for name in self.list_display]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return [(None, {"fields": [self._in_words(name) for name in self.get_fields(request, obj)]})]

    def _in_words(self, name: Any) -> Any:
        """Return a column that shows JSON or a number of bytes in words; any other name as it is."""
        field = next((field for field in self.model._meta.concrete_fields if field.name == name), None)
        if field is None or not (name in self.byte_fields or isinstance(field, models.JSONField)):
            return name
        render = formats.size if name in self.byte_fields else words

        @admin.display(description=field.verbose_name, ordering=name)
        def column(row: models.Model) -> str:
            return render(getattr(row, name))

        column.__name__ = name
        return column

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> Any:
        title = capfirst(self.model._meta.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_operate_permission(self, request: HttpRequest) -> bool:
        """Return whether the user may run actions (`permissions=["operate"]`); viewers may not."""
        return request.user.is_active and request.user.is_superuser

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Redirect to a row's events in the audit log."""
        query = urlencode(
            {"subject_kind__exact": self.model._meta.model_name, "subject_id__exact": unquote(object_id)}
        )
        return redirect(f"{reverse('admin:audit_auditevent_changelist')}?{query}")

    def report(self, request: HttpRequest, label: str, done: int, selected: int, reason: str = "") -> None:
        """Show for how many of the selected rows an action worked, and the reason why not for the others."""
        skipped = selected - done
        message = f"{label}: {done}." + (f" Left as they were: {skipped} ({reason})." if skipped else "")
        self.message_user(request, message, messages.WARNING if skipped else messages.SUCCESS)


def words(value: object) -> str:
    """Return a stored value as people read it: "one, two" for a list, "name: value" for an object."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list():
            separator = "; " if any(isinstance(each, dict) for each in value) else ", "
            return separator.join(words(each) for each in value)
        case dict():
            return ", ".join(f"{name}: {words(each)}" for name, each in value.items())
    return str(value)


def link_to(row: models.Model | None, text: str = "") -> str:
    """Return a link to a row's page in the administration."""
    if row is None:
        return ""
    url = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_change", args=[row.pk])
    return format_html('<a href="{}">{}</a>', url, text or str(row))

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest

from agentforge.model_admin import ReadOnlyAdmin, link_to

from .actions import Kind
from .models import AuditEvent


class KindFilter(admin.SimpleListFilter):
    title = "kind"
    parameter_name = "kind"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return list(Kind.choices)

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        kind = self.value()
        return queryset.filter(action__in=Kind(kind).actions) if kind in Kind.values else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    row_names = ("event", "events")
    list_display = ("created_at", "action", "subject_label", "detail_words", "who", "whose", "address")
    list_filter = (KindFilter, "action", "created_at")
    list_select_related = ("owner",)
    search_fields = ("actor_label", "owner__email", "subject_label", "address")
    ordering = ("-id",)
    fields = ("created_at", "action", "subject_kind", "subject_id", "subject_label", "detail", "who",
              "whose", "address")  # fmt: skip

    @admin.display(description="details")
    def detail_words(self, event: AuditEvent) -> str:
        return event.detail_words

    @admin.display(description="who", ordering="actor_label")
    def who(self, event: AuditEvent) -> str:
        return event.who

    @admin.display(description="in the log of", ordering="owner__email")
    def whose(self, event: AuditEvent) -> str:
        return link_to(event.owner)

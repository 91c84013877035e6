from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from agentforge.http import Request
from agentforge.model_admin import ReadOnlyAdmin, link_to

from .keys.verification import enqueue_tests
from .models import AgentConfig, ApiKey, Revision


@admin.register(ApiKey)
class ApiKeyAdmin(ReadOnlyAdmin):
    """Shows what owners see of their keys; the ciphertext is not even read."""

    row_names = ("API key", "API keys")
    list_display = ("provider", "name", "whose", "last_four", "fingerprint", "status", "checked_at",
                    "check_ms")  # fmt: skip
    list_filter = ("provider", "status", "checked_at")
    list_select_related = ("owner",)
    search_fields = ("owner__email", "name", "last_four", "fingerprint")
    ordering = ("-updated_at",)
    fields = ("provider", "name", "whose", "base_url", "last_four", "fingerprint", "status", "status_detail",
              "checked_at", "check_ms", "created_at", "updated_at")  # fmt: skip
    actions = ("test_again",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[ApiKey]:
        keys: QuerySet[ApiKey] = super().get_queryset(request)
        return keys.defer("ciphertext", "models_offered")

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, key: ApiKey) -> str:
        return link_to(key.owner)

    @admin.action(description="Test again", permissions=["operate"])
    def test_again(self, request: Request, keys: QuerySet[ApiKey]) -> None:
        done = enqueue_tests(keys, by=request.user)
        self.report(request, "Tests enqueued", done, len(keys), "one is already waiting")


@admin.register(AgentConfig)
class AgentConfigAdmin(ReadOnlyAdmin):
    row_names = ("agent", "agents")
    list_display = ("name", "handle", "whose", "type", "provider", "model", "updated_at", "trashed_at")
    list_filter = ("type", "provider", "created_at", "updated_at", ("trashed_at", admin.EmptyFieldListFilter))
    list_select_related = ("owner",)
    search_fields = ("name", "handle", "owner__email")

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        shown_otherwise = ("id", "owner", "api_key")
        stored = [f.name for f in AgentConfig._meta.concrete_fields if f.name not in shown_otherwise]
        return ["whose", *stored, "own_key", "made_of_it"]

    @admin.display(description="API key")
    def own_key(self, agent: AgentConfig) -> str:
        return link_to(agent.api_key)

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, agent: AgentConfig) -> str:
        return link_to(agent.owner)

    @admin.display(description="made from it")
    def made_of_it(self, agent: AgentConfig) -> str:
        return format_html(
            '<a href="{}?agent__id__exact={}">revisions</a> · '
            '<a href="{}?revision__agent__id__exact={}">builds</a>',
            reverse("admin:configs_revision_changelist"), agent.pk,
            reverse("admin:builds_build_changelist"), agent.pk,
        )  # fmt: skip


@admin.register(Revision)
class RevisionAdmin(ReadOnlyAdmin):
    list_display = ("__str__", "of_agent", "whose", "short_sha256", "created_at")
    list_select_related = ("owner", "agent")
    list_filter = ("created_at",)
    search_fields = ("sha256", "agent__name", "agent__handle", "owner__email")
    fields = ("of_agent", "whose", "number", "sha256", "created_at", "canonical_json", "builds_of_it")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Revision]:
        revisions: QuerySet[Revision] = super().get_queryset(request)
        return revisions.defer("canonical_json")

    @admin.display(description="agent", ordering="agent__name")
    def of_agent(self, revision: Revision) -> str:
        return link_to(revision.agent)

    @admin.display(description="owner", ordering="owner__email")
    def whose(self, revision: Revision) -> str:
        return link_to(revision.owner)

    @admin.display(description="sha256", ordering="sha256")
    def short_sha256(self, revision: Revision) -> str:
        return revision.sha256[:12]

    @admin.display(description="builds")
    def builds_of_it(self, revision: Revision) -> str:
        url = reverse("admin:builds_build_changelist")
        return format_html('<a href="{}?revision__id__exact={}">builds</a>', url, revision.pk)

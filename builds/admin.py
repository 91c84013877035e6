from __future__ import annotations

from django.apps import apps
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import mark_safe
from procrastinate.contrib.django.models import ProcrastinateEvent, ProcrastinateJob

from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.model_admin import ReadOnlyAdmin, link_to, words
from agentforge.streaming import streamed

from . import reports
from .admin_actions import BuildActions
from .models import Artifact, Build


@admin.register(Build)
class BuildAdmin(BuildActions, ReadOnlyAdmin):
    list_display = ("__str__", "agent_link", "revision_link", "owner_link", "status", "targets",
                    "created_at", "log")  # fmt: skip
    list_filter = ("status", "per_target__target", "per_target__from_cache", "pinned", "created_at")
    list_select_related = ("owner", "revision__agent")
    search_fields = ("=id", "owner__email", "revision__agent__name", "revision__agent__handle", "error")
    fields = ("agent_link", "revision_link", "owner_link", "status", "error", "targets", "attempts", "job",
              "created_at", "started_at", "finished_at", "pinned", "expires_at", "expired_at",
              "wanted_builder", "log", "files")  # fmt: skip

    def get_urls(self) -> list[URLPattern]:
        log = path("<int:pk>/log/", self.admin_site.admin_view(self.log_view), name="builds_build_log")
        return [log, *super().get_urls()]

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest) -> bool:
        return lookup == "revision__agent__id__exact" or super().lookup_allowed(lookup, value, request)

    def log_view(self, request: HttpRequest, pk: int) -> HttpResponseBase:
        """Stream a build's log to an operator; the access is shown in the owner's activity."""
        build = self.get_object(request, str(pk))
        if build is None or not self.has_view_permission(request, build):
            raise Http404
        record(Action.LOG_READ, owner=build.owner_id, subject=build)
        pieces = (lines.encode() for lines in reports.log_text(build))
        return streamed(request, pieces, "text/plain; charset=utf-8")

    @admin.display(description="agent", ordering="revision__agent__name")
    def agent_link(self, build: Build) -> str:
        return link_to(build.revision.agent)

    @admin.display(description="revision")
    def revision_link(self, build: Build) -> str:
        return link_to(build.revision)

    @admin.display(description="owner", ordering="owner__email")
    def owner_link(self, build: Build) -> str:
        return link_to(build.owner)

    @admin.display(description="log")
    def log(self, build: Build) -> str:
        return format_html('<a href="{}">log</a>', reverse("admin:builds_build_log", args=[build.pk]))

    @admin.display(description="job")
    def job(self, build: Build) -> str:
        if build.job_id is None:
            return ""
        url = reverse("admin:procrastinate_procrastinatejob_change", args=[build.job_id])
        return format_html('<a href="{}">job {}</a>', url, build.job_id)

    @admin.display(description="files")
    def files(self, build: Build) -> str:
        url = reverse("admin:builds_artifact_changelist")
        return format_html('<a href="{}?build__id__exact={}">files</a>', url, build.pk)


@admin.register(Artifact)
class ArtifactAdmin(ReadOnlyAdmin):
    row_names = ("file", "files")
    byte_fields = ("size",)
    list_display = ("name", "build_link", "owner_link", "size", "short_sha256", "created_at")
    list_select_related = ("owner", "build")
    list_filter = ("created_at",)
    # What an index serves: there are several files of each build.
    search_fields = ("sha256",)
    search_help_text = "The SHA-256 of a file, or its first digits. A build's page links to its files."
    sortable_by = ("short_sha256", "created_at")
    ordering = ("-id",)
    fields = ("name", "build_link", "owner_link", "size", "sha256", "created_at")

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Artifact], search_term: str
    ) -> tuple[QuerySet[Artifact], bool]:
        first = search_term.strip().lower()
        # No digit is after f, so this is a range of the index, in any collation.
        return (queryset.filter(sha256__gte=first, sha256__lt=f"{first}g") if first else queryset), False

    @admin.display(description="build")
    def build_link(self, file: Artifact) -> str:
        return link_to(file.build)

    @admin.display(description="owner")
    def owner_link(self, file: Artifact) -> str:
        return link_to(file.owner)

    @admin.display(description="sha256", ordering="sha256")
    def short_sha256(self, file: Artifact) -> str:
        return file.sha256[:12]


# procrastinate's own admin uses inline styles, which the content policy forbids, and lets jobs change without
# their builds.
admin.site.unregister(ProcrastinateJob)
apps.get_app_config("procrastinate").verbose_name = "Queue"


@admin.register(ProcrastinateJob)
class JobAdmin(ReadOnlyAdmin):
    row_names = ("job", "jobs")
    list_display = ("id", "task_name", "queue_name", "status", "arguments", "attempts", "scheduled_at")
    list_filter = ("status", "queue_name", "task_name")
    search_fields = ("=id", "task_name")
    ordering = ("-id",)
    fields = ("task_name", "queue_name", "status", "arguments", "attempts", "priority", "lock",
              "queueing_lock", "scheduled_at", "abort_requested", "worker", "history")  # fmt: skip

    @admin.display(description="arguments")
    def arguments(self, job: ProcrastinateJob) -> str:
        return words(job.args)

    @admin.display(description="history")
    def history(self, job: ProcrastinateJob) -> str:
        events = ProcrastinateEvent.objects.filter(job=job).order_by("id")
        lines = ((event.at, event.type) for event in events)
        return format_html_join(mark_safe("<br>"), "{:%Y-%m-%d %H:%M:%S} {}", lines)

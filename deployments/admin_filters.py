"""Filters of the administration's lists by what is live."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.http import HttpRequest

from .history import SiteContent
from .models import Deployment, Site


class ShowsFilter(admin.SimpleListFilter):
    title = "what it shows"
    parameter_name = "shows"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(str(value), str(label)) for value, label in SiteContent.choices]

    def queryset(self, request: HttpRequest, sites: QuerySet[Site]) -> QuerySet[Site]:
        return sites.filter(Q(shows=self.value())) if self.value() else sites


class LiveFilter(admin.SimpleListFilter):
    title = "whether it is live"
    parameter_name = "live"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Live"), ("no", "Not live")]

    def queryset(self, request: HttpRequest, deployments: QuerySet[Deployment]) -> QuerySet[Deployment]:
        live = deployments.filter(remote_id=F("site__live_remote_id"), site__deleted_at=None)
        live = live.exclude(remote_id="")
        match self.value():
            case "yes":
                return live
            case "no":
                return deployments.filter(~Exists(live.filter(pk=OuterRef("pk"))))
        return deployments

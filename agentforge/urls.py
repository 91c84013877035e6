from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from .administration.probes import metrics, readyz, workers_readyz
from .health import healthz, livez
from .openapi.views import openapi_json

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", livez, name="livez"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("readyz/workers", workers_readyz, name="workers_readyz"),
    path("readyz/workers/<slug:queue>", workers_readyz, name="queue_readyz"),
    path("metrics", metrics, name="metrics"),
    path("openapi.json", openapi_json, name="openapi"),
    path("", include("agentforge.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("configs.urls")),
    path("", include("builds.urls")),
    path("", include("deployments.urls")),
]

handler400 = "agentforge.error_pages.bad_request"
handler500 = "agentforge.error_pages.server_error"

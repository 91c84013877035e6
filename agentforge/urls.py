from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from agentforge.health import healthz
from agentforge.openapi.views import openapi_json

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", healthz, name="healthz"),
    path("openapi.json", openapi_json, name="openapi"),
    path("", include("agentforge.accounts.urls")),
    path("admin/", admin.site.urls),
    path("", include("configs.urls")),
    path("", include("builds.urls")),
]

handler400 = "agentforge.error_pages.bad_request"
handler500 = "agentforge.error_pages.server_error"

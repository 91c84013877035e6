from __future__ import annotations

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe

from .document import document


@login_not_required
@cache_control(public=True, max_age=600)
@require_safe
def openapi_json(request: HttpRequest) -> JsonResponse:
    return JsonResponse(document())

"""Where a user goes next: only to pages of this site."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, HttpResponseRedirect, QueryDict
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme

from agentforge.negotiation import wants_json
from agentforge.problems import problem


def requested_next(request: HttpRequest) -> str:
    """Return the `next` URL of a request; empty if there is none or it is not of this site."""
    url = request.POST.get("next") or request.GET.get("next") or ""
    return url if is_of_this_site(url) else ""


def is_of_this_site(url: str) -> bool:
    return url.startswith("/") and url_has_allowed_host_and_scheme(url, allowed_hosts=None)


def next_url(request: HttpRequest) -> str:
    """Return the URL to go to after sign-in."""
    return requested_next(request) or resolve_url(settings.LOGIN_REDIRECT_URL)


def back_to(request: HttpRequest) -> str:
    """Return the page to come back to after the sign-in or second factor that a request lacks."""
    if request.headers.get("HX-Request") == "true":
        # htmx would follow a redirect in the background and insert the response into the page.
        page = urlsplit(request.headers.get("HX-Current-URL", ""))
        return f"{page.path}?{page.query}" if page.query else page.path
    return request.get_full_path() if request.method == "GET" else ""


def with_query(url: str, **values: str) -> str:
    """Return a URL with the query values that are not empty."""
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in values.items() if value})
    return f"{url}?{query.urlencode(safe='/')}" if query else url


def ask_for_sign_in(request: HttpRequest) -> HttpResponseBase:
    """Tell a script, or lead a browser, to sign in; it comes back afterwards."""
    if wants_json(request):
        return problem(401, "Sign in first.", headers={"WWW-Authenticate": "Bearer"})
    url = with_query(resolve_url(settings.LOGIN_URL), next=back_to(request))
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=401, headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)

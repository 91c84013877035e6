"""Pages that use the database wrongly, for the tests of what stands around them."""

from __future__ import annotations

from collections.abc import Iterator

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import include, path

from agentforge.http import Request
from agentforge.tenancy import rls
from agentforge.tenancy.request_transaction import outside_transaction
from configs.models import AgentConfig
from configs.services import create_agent


def _role() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return str(cursor.fetchone()[0])


@login_not_required
def role(request: HttpRequest) -> HttpResponse:
    return HttpResponse(_role())


async def role_async(request: HttpRequest) -> HttpResponse:
    from asgiref.sync import sync_to_async

    return HttpResponse(await sync_to_async(_role)())


def streamed(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield _role()
        yield f" {AgentConfig.objects.count()}"

    return StreamingHttpResponse(parts())


def raising(request: Request) -> HttpResponse:
    create_agent(AgentConfig(owner=request.user, name="Ada", handle="ada"))
    raise RuntimeError("after it wrote")


def failing(request: Request) -> HttpResponse:
    create_agent(AgentConfig(owner=request.user, name="Ada", handle="ada"))
    return HttpResponse(status=500)


def swallowing(request: Request) -> HttpResponse:
    """Write, break the transaction, ignore that, and say that all is well."""
    create_agent(AgentConfig(owner=request.user, name="Ada", handle="ada"))
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
    except DatabaseError:
        pass
    return HttpResponse("saved")


def remote_call(request: Request) -> HttpResponse:
    """Write, make a remote call, write again, and fail where asked to."""
    create_agent(AgentConfig(owner=request.user, name="Before", handle="before"))
    with rls.as_service(), outside_transaction():
        during = f"{connection.in_atomic_block} {_role()}"
    roles = f"{during} {_role()}"
    with rls.as_service(), outside_transaction():
        pass
    create_agent(AgentConfig(owner=request.user, name="After", handle="after"))
    return HttpResponse(roles, status=int(request.GET.get("status", 200)))


def asleep(request: Request) -> HttpResponse:
    """Write, and ask what takes long; before, make a remote call where asked to."""
    create_agent(AgentConfig(owner=request.user, name="Before", handle="before"))
    if request.GET.get("remote-call"):
        with outside_transaction():
            pass
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(1)")
    return HttpResponse("slept")


def all_agents(request: HttpRequest) -> HttpResponse:
    return HttpResponse(" ".join(AgentConfig.objects.values_list("name", flat=True)))


urlpatterns = [
    path("role", role),
    path("role-async", role_async),
    path("streamed", streamed),
    path("raising", raising),
    path("failing", failing),
    path("swallowing", swallowing),
    path("remote-call", remote_call),
    path("asleep", asleep),
    path("all", all_agents),
    path("admin/role", role),
    path("sign-in", role, name="sign_in"),
    # Which paths demand the second factor is asked of these.
    path("", include("agentforge.accounts.urls")),
]

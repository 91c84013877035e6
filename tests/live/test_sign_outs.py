"""Hold streams open, and sign their people out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.conf import settings
from django.db import connection
from django.test import Client

from agentforge.accounts import bulk_actions
from agentforge.accounts.models import User
from agentforge.live.streams import publish
from tests.drivers.people import bearer_of, make_user, sign_in
from tests.drivers.sse_client import LiveConnection
from tests.drivers.web_process import WebProcess

from .test_streams import line


def cookie_of(client: Client) -> dict[str, str]:
    return {"Cookie": f"{settings.SESSION_COOKIE_NAME}={client.cookies['sessionid'].value}"}


def opened(web: WebProcess, stream: str, headers: dict[str, str]) -> LiveConnection:
    """Return a connection that has received the stream's first record."""
    following = web.follow(headers, stream).__enter__()
    next(iter(following))
    return following


def disable(owner: User, client: Client) -> None:
    bulk_actions.disable([owner], by=make_user("olga", operator=True))


def end_sessions(owner: User, client: Client) -> None:
    bulk_actions.end_sessions([owner], by=make_user("olga", operator=True))


def sign_out_everywhere(owner: User, client: Client) -> None:
    client.post("/sign-out/", {"scope": "everywhere"})


def disable_in_sql(owner: User, client: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [owner.pk])


@pytest.mark.parametrize("end", [disable, end_sessions, sign_out_everywhere, disable_in_sql])
def test_open_streams_end_at_once(
    web: WebProcess, stream: str, owner: User, end: Callable[[User, Client], None]
) -> None:
    publish(stream, line("a"))
    client = Client()
    sign_in(client, owner)
    streams = [
        opened(web, stream, cookie_of(client)),
        opened(web, stream, {"Authorization": bearer_of(owner)}),
    ]
    end(owner, client)
    for following in streams:
        # Its client's patience is a minute; the connection's own end would come after a quarter of an hour.
        assert list(following) == []
        following.__exit__()
    with web.follow(cookie_of(client), stream) as again:
        assert again.status == 401


def test_one_browser_signs_out_and_the_others_go_on(web: WebProcess, stream: str, owner: User) -> None:
    publish(stream, line("a"))
    leaving, staying = Client(), Client()
    for client in (leaving, staying):
        sign_in(client, owner)
    gone, there = (opened(web, stream, cookie_of(client)) for client in (leaving, staying))
    leaving.post("/sign-out/")
    assert list(gone) == []
    publish(stream, line("b"))
    assert next(iter(there)).id == f"{stream}:2"
    for following in (gone, there):
        following.__exit__()


def test_an_end_that_nobody_heard_is_made_up_for(web: WebProcess, stream: str, owner: User) -> None:
    publish(stream, line("a"))
    following = opened(web, stream, {"Authorization": bearer_of(owner)})
    with connection.cursor() as cursor:
        # Without the announcement, as if it had been made while the process had no connection.
        cursor.execute("ALTER TABLE accounts_user DISABLE TRIGGER accounts_announce")
        cursor.execute("UPDATE accounts_user SET is_active = false WHERE id = %s", [owner.pk])
        cursor.execute("ALTER TABLE accounts_user ENABLE TRIGGER accounts_announce")
        cursor.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name LIKE 'agentforge % live'"
        )
    assert list(following) == []
    following.__exit__()


def test_streams_ask_for_the_second_factor_where_settings_say_so(stream: str, owner: User) -> None:
    publish(stream, line("a"))
    headers = {"Authorization": bearer_of(owner)}
    with WebProcess(SECOND_FACTOR_PATHS="^/live/") as process:
        following = opened(process, stream, headers)
        User.objects.filter(pk=owner.pk).update(has_second_factor=True)
        assert list(following) == []
        following.__exit__()
        with process.follow(headers, stream) as refused:
            assert refused.status == 403
            assert "second factor" in refused.text()

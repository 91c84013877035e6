"""What an act needs of whoever does it, by whatever page, script or token they come.

Protection sits on the act, in the service that does it: a new page that leads to an act is protected too.
Workers and commands act for nobody who is signed in, so nothing is asked of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.template.loader import render_to_string

from agentforge.accounts.addresses import client_address
from agentforge.accounts.models import User
from agentforge.negotiation import wants_json
from agentforge.problems import problem
from agentforge.tenancy.rls import as_service

from .rate_limits import LimitReached, bare_limit_page, count
from .throttle import Throttle

# Longer than a visit lasts, and as long as counts are kept: sessions/maintenance.py.
GUEST_WINDOW = timedelta(days=1)
P = ParamSpec("P")
R = TypeVar("R")


class Act(StrEnum):
    SAVE_KEY = "save a key"
    RENAME_KEY = "rename a key"
    REMOVE_KEY = "remove a key"
    CHOOSE_KEY = "choose the key of an agent"
    TEST_KEY = "test a key"
    READ_KEY = "read a key"
    CHAT = "chat with an agent"
    BUILD = "compile an agent"
    BUILD_PROGRAM = "compile an agent as a program"
    VERIFY = "verify a build"
    EVALUATE = "evaluate an agent"
    CREATE_AGENT = "create an agent"
    ADD_FILE = "add a file"
    REMOVE_FILE = "remove a file"
    DEPLOY = "deploy"
    CONNECT_HOST = "connect an account at a host"
    DISCONNECT_HOST = "disconnect an account at a host"
    ASK_HOST = "send a request to a host"
    CHANGE_SITE = "change who may use a site"
    CHANGE_PASSWORD = "change the password"  # noqa: S105 - an act's name
    CHANGE_EMAIL = "change the e-mail address"
    MAKE_TOKEN = "make an API token"  # noqa: S105 - an act's name
    LINK_IDENTITY = "link a way to sign in"
    UNLINK_IDENTITY = "unlink a way to sign in"
    DELETE_ACCOUNT = "delete the account"
    EXPORT_ACCOUNT = "export the account"


@dataclass(frozen=True)
class Rule:
    """The setting that asks for the second factor (SECOND_FACTOR_ACTS), and the limit that counts the act.

    `of_guest` is how often a guest may do it in a visit; None: as anybody.
    """

    group: str = ""
    limit: str = ""
    of_guest: int | None = None


RULES = {
    Act.SAVE_KEY: Rule("keys", of_guest=0),
    Act.RENAME_KEY: Rule("keys"),
    Act.REMOVE_KEY: Rule("keys"),
    Act.CHOOSE_KEY: Rule("keys"),
    Act.TEST_KEY: Rule("keys", "key tests"),
    Act.READ_KEY: Rule("keys", of_guest=0),
    Act.CHAT: Rule("chats", "messages", of_guest=60),
    Act.BUILD: Rule(limit="builds", of_guest=8),
    Act.BUILD_PROGRAM: Rule(of_guest=0),
    Act.VERIFY: Rule(limit="builds", of_guest=0),
    Act.EVALUATE: Rule("chats", "builds", of_guest=0),
    Act.CREATE_AGENT: Rule(of_guest=8),
    Act.ADD_FILE: Rule(of_guest=20),
    Act.REMOVE_FILE: Rule(),
    Act.DEPLOY: Rule("deployments", "deployments", of_guest=0),
    Act.CONNECT_HOST: Rule("hosts", "key tests", of_guest=0),
    Act.DISCONNECT_HOST: Rule("hosts"),
    Act.ASK_HOST: Rule("hosts", "host requests", of_guest=0),
    Act.CHANGE_SITE: Rule("deployments", of_guest=0),
    Act.CHANGE_PASSWORD: Rule("account", of_guest=0),
    Act.CHANGE_EMAIL: Rule("account", of_guest=0),
    Act.MAKE_TOKEN: Rule("account", of_guest=0),
    Act.LINK_IDENTITY: Rule("account", of_guest=0),
    Act.UNLINK_IDENTITY: Rule("account"),
    Act.DELETE_ACCOUNT: Rule("account"),
    Act.EXPORT_ACCOUNT: Rule("account"),
}
GROUPS = sorted({rule.group for rule in RULES.values() if rule.group})


class SecondFactorMissing(Exception):
    """An act needs the second factor that this session has not passed; nothing was done."""


class NotForGuests(Exception):
    """A guest may not do this, or not any more; nothing was done."""

    def __init__(self, act: Act, most: int) -> None:
        doing = f"{act.value} more than {most} times" if most else act.value
        super().__init__(
            f"A guest can't {doing}. Nothing was changed. Sign up to do it, and to keep everything."
        )


@dataclass
class Performer:
    """Who does what a request does; `counted` are the limits that count it already."""

    user: User
    claims: dict[str, Any]
    address: str
    counted: set[str] = field(default_factory=set)


_performer: ContextVar[Performer | None] = ContextVar("performer", default=None)


def lacks_factor(user: User, claims: dict[str, Any]) -> bool:
    """Return whether a session has not passed the second factor that its user enrolled."""
    return user.has_second_factor and claims.get("aal") != "aal2"


def require(act: Act) -> None:
    """Ask of the performer what an act needs. Raises SecondFactorMissing or LimitReached."""
    performer, rule = _performer.get(), RULES[act]
    if performer is None:
        return
    if rule.group in settings.SECOND_FACTOR_ACTS and lacks_factor(performer.user, performer.claims):
        raise SecondFactorMissing
    if rule.of_guest is not None and performer.user.is_guest:
        _require_of_guest(act, rule.of_guest, performer.user)
    if rule.limit and rule.limit not in performer.counted:
        with as_service():
            refusal = count(rule.limit, performer.user.pk, performer.address)
        if refusal is not None:
            raise refusal
        performer.counted.add(rule.limit)


def _require_of_guest(act: Act, most: int, user: User) -> None:
    # Counted apart from the rows: who deletes what they made makes room for nothing.
    subject = {f"{act.name} guest {user.pk}": most}
    with as_service():
        if not most or Throttle(subject, window=GUEST_WINDOW).take():
            raise NotForGuests(act, most)


def performs(act: Act) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Mark a service as an act: before it begins, what the act needs is asked of its performer."""

    def decorate(service: Callable[P, R]) -> Callable[P, R]:
        @wraps(service)
        def inner(*args: P.args, **kwargs: P.kwargs) -> R:
            require(act)
            return service(*args, **kwargs)

        cast(Any, inner).act = act
        return inner

    return decorate


class ActMiddleware:
    """Names who performs the acts of a request, and answers where one is over its limit."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        with _performed_by(request):
            return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponseBase | None:
        if isinstance(exception, NotForGuests):
            return _guest_page(request, exception)
        return bare_limit_page(request, exception) if isinstance(exception, LimitReached) else None


def _guest_page(request: HttpRequest, refusal: NotForGuests) -> HttpResponse:
    """Return the response to an act that takes an account; without a query, as `bare_limit_page`."""
    if wants_json(request):
        return problem(403, str(refusal))
    return HttpResponse(render_to_string("accounts/guest_refused.html", {"refusal": refusal}), status=403)


@contextmanager
def _performed_by(request: Any) -> Iterator[None]:
    performer = None
    if request.user.is_authenticated:
        counted = {request.counted_limit} if request.counted_limit else set()
        performer = Performer(request.user, request.claims, client_address(request), counted)
    token = _performer.set(performer)
    try:
        yield
    finally:
        _performer.reset(token)

"""Owners' accounts at hosts; the token lies in the vault, as a key of the host."""

from __future__ import annotations

import time
from contextlib import suppress
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.accounts.throttling.acts import Act, performs, require
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.request_transaction import outside_transaction
from agentforge.tenancy.rls import as_service
from configs.announcements import announce_account
from configs.choices import KeyStatus
from configs.keys import vault
from deployments.hosts.base import Host, HostError, Person, Reason
from deployments.hosts.netlify.api import Notify, Sleep
from deployments.hosts.registry import KINDS, NETLIFY, TOKEN_HOSTS
from deployments.hosts.selfhost import SelfHost
from deployments.models import Connection

# The longest wait for a host, in seconds, while a page is loading.
_PAGE_PATIENCE = 3.0
_TOKEN_REASONS = (Reason.TOKEN_REFUSED, Reason.FORBIDDEN)


class AccountProblem(Exception):
    """An account that can't be used; the message is for its owner."""


def brief_sleep(seconds: float) -> None:
    """Wait while a page is loading.

    Raises HostError instead when the wait would be noticeable.
    """
    if seconds > _PAGE_PATIENCE:
        message = f"Netlify limits the rate of requests. Try again in {seconds:.0f} seconds."
        raise HostError(Reason.RATE_LIMITED, message)
    with outside_transaction():
        time.sleep(seconds)


def connection_of(owner_id: UUID, host: str = NETLIFY) -> Connection | None:
    """Return an owner's account at a host, None when none is connected."""
    connections = Connection.objects.filter(owner_id=owner_id, host=host)
    connection: Connection | None = connections.select_related("key").first()
    return connection


def host_for(
    owner_id: UUID, code: str, purpose: str, sleep: Sleep = brief_sleep, notify: Notify | None = None
) -> Host:
    """Return a host for its owner; the use of a token is recorded in the audit log.

    Raises AccountProblem when a required account is not connected, or its token can't be read.
    """
    if not KINDS[code].needs_account:
        return SelfHost(owner_id)
    require(Act.ASK_HOST)
    label = KINDS[code].label
    connection = connection_of(owner_id, code)
    if connection is None:
        raise AccountProblem(f"No {label} account is connected. Connect one, then try again.")
    try:
        token = vault.reveal(connection.key, purpose)
    except vault.KeyNeedsReentry as error:
        message = f"The vault can no longer read the {label} token. Connect the account again."
        raise AccountProblem(message) from error
    return TOKEN_HOSTS[code](token, sleep, notify)


@performs(Act.CONNECT_HOST)
def connect(user: User, token: str, code: str = NETLIFY) -> Connection:
    """Verify a token with its host, and save it in the vault.

    Raises HostError; then nothing was saved.
    """
    person = TOKEN_HOSTS[code](token, brief_sleep).whoami()
    with transaction.atomic(), as_service():
        key = vault.save_key(user, code, token)
        key.status, key.status_detail, key.checked_at = KeyStatus.VALID, _summary(person), timezone.now()
        key.save(update_fields=["status", "status_detail", "checked_at"])
        defaults = {"key": key, **_fields(person)}
        connection: Connection
        connection, _ = Connection.objects.update_or_create(owner=user, host=code, defaults=defaults)
        record(Action.HOST_CONNECTED, owner=user, subject=connection)
        announce_account(user.pk)
    return connection


def recheck(connection: Connection) -> Person:
    """Verify the token of a connected account again.

    Raises AccountProblem or HostError, after storing a problem with the token on the connection.
    """
    try:
        person = host_for(connection.owner_id, connection.host, "tested").whoami()
    except (AccountProblem, HostError) as error:
        # A busy or unreachable host says nothing about the token: deployments may continue.
        if isinstance(error, AccountProblem) or error.reason in _TOKEN_REASONS:
            with as_service():
                row = Connection.objects.filter(pk=connection.pk)
                row.update(problem=str(error)[:500], checked_at=timezone.now())
                announce_account(connection.owner_id)
        raise
    with as_service():
        Connection.objects.filter(pk=connection.pk).update(**_fields(person))
        announce_account(connection.owner_id)
    return person


def recheck_if_refused(owner_id: UUID, code: str, error: HostError) -> None:
    """Verify a token again that a host refused, and store the result.

    The refusal alone is not stored: hosts sometimes refuse valid tokens.
    """
    connection = connection_of(owner_id, code) if error.reason == Reason.TOKEN_REFUSED else None
    if connection is not None:
        with suppress(AccountProblem, HostError):
            recheck(connection)


@performs(Act.DISCONNECT_HOST)
def disconnect(connection: Connection) -> None:
    """Delete an account and its token here; its sites stay online."""
    with transaction.atomic(), as_service():
        record(Action.HOST_DISCONNECTED, owner=connection.owner_id, subject=connection)
        vault.remove_key(connection.key)


def _fields(person: Person) -> dict[str, object]:
    return {
        "who": person.name[:200],
        "email": person.email[:254],
        "teams": [vars(team) for team in person.teams],
        "problem": "",
        "checked_at": timezone.now(),
    }


def _summary(person: Person) -> str:
    teams = ", ".join(team.name for team in person.teams)
    return f"{person.name or person.email}; teams: {teams}"[:500]

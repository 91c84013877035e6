"""Connect people's accounts at hosts; the token lies in the vault, as a key of the host."""

from __future__ import annotations

import time
from contextlib import suppress
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from agentforge.accounts.models import User
from agentforge.audit.actions import Action
from agentforge.audit.log import record
from agentforge.tenancy.rls import as_service
from configs import vault
from configs.choices import KeyStatus
from deployments.hosts.base import Host, HostError, Kind, Person, Reason
from deployments.hosts.netlify import Netlify
from deployments.hosts.netlify.api import Sleep, Tell
from deployments.hosts.selfhost import SelfHost
from deployments.models import Connection

NETLIFY = Netlify.kind.code
SELF_HOST = SelfHost.kind.code
KINDS: dict[str, Kind] = {host.kind.code: host.kind for host in (Netlify, SelfHost)}
# Those that act with somebody's token.
HOSTS: dict[str, type[Netlify]] = {NETLIFY: Netlify}
# A page waits no longer than this for a host that asks for patience.
_PATIENCE = 3.0
_OF_THE_TOKEN = (Reason.TOKEN_REFUSED, Reason.FORBIDDEN)


class AccountProblem(Exception):
    """Say, in words for its owner, why an account can't be used."""


def brief_sleep(seconds: float) -> None:
    """Pause for a page; a pause that people would notice is refused instead.

    Raises HostError.
    """
    if seconds > _PATIENCE:
        told = f"Netlify asks for a pause. Nothing was done. Try again in {seconds:.0f} seconds."
        raise HostError(Reason.RATE_LIMITED, told)
    time.sleep(seconds)


def connection_of(owner_id: UUID, host: str = NETLIFY) -> Connection | None:
    """Return a person's account at a host, None when none is connected."""
    found: Connection | None = (
        Connection.objects.filter(owner_id=owner_id, host=host).select_related("key").first()
    )
    return found


def host_for(
    owner_id: UUID, code: str, purpose: str, sleep: Sleep = brief_sleep, tell: Tell | None = None
) -> Host:
    """Return a host as its owner may use it; the use of a token goes to the audit log.

    Raises AccountProblem when no account is connected where one is needed, or its token can't be read.
    """
    if not KINDS[code].needs_account:
        return SelfHost(owner_id)
    label = KINDS[code].label
    connection = connection_of(owner_id, code)
    if connection is None:
        raise AccountProblem(f"No {label} account is connected. Connect one, then try again.")
    try:
        token = vault.reveal(connection.key, purpose)
    except vault.KeyNeedsReentry as error:
        told = f"The vault can't read the {label} token any more. Connect the account again."
        raise AccountProblem(told) from error
    return HOSTS[code](token, sleep, tell)


def connect(user: User, token: str, code: str = NETLIFY) -> Connection:
    """Ask a host whose token it is, and keep it in the vault.

    Raises HostError; then nothing was saved.
    """
    person = HOSTS[code](token, brief_sleep).whoami()
    with transaction.atomic(), as_service():
        key = vault.save_key(user, code, token)
        key.status, key.status_detail, key.checked_at = KeyStatus.VALID, _words(person), timezone.now()
        key.save(update_fields=["status", "status_detail", "checked_at"])
        facts = {"key": key, **_facts(person)}
        connection, _ = Connection.objects.update_or_create(owner=user, host=code, defaults=facts)
        record(Action.HOST_CONNECTED, owner=user, subject=connection)
    made: Connection = connection
    return made


def recheck(connection: Connection) -> Person:
    """Ask again who a connected account is.

    Raises AccountProblem or HostError, after noting on the connection what is wrong with its token.
    """
    try:
        person = host_for(connection.owner_id, connection.host, "tested").whoami()
    except (AccountProblem, HostError) as error:
        # A host that is busy or away says nothing of the token: deployments may go on.
        if isinstance(error, AccountProblem) or error.reason in _OF_THE_TOKEN:
            with as_service():
                changed = Connection.objects.filter(pk=connection.pk)
                changed.update(problem=str(error)[:500], checked_at=timezone.now())
        raise
    with as_service():
        Connection.objects.filter(pk=connection.pk).update(**_facts(person))
    return person


def doubt(owner_id: UUID, code: str, error: HostError) -> None:
    """Ask again whose token it is when a host refused it elsewhere, and note what that says.

    Not noted at once: a host refuses tokens spuriously now and then.
    """
    connection = connection_of(owner_id, code) if error.reason == Reason.TOKEN_REFUSED else None
    if connection is not None:
        with suppress(AccountProblem, HostError):
            recheck(connection)


def disconnect(connection: Connection) -> None:
    """Forget an account and its token; its sites stay where they are."""
    with transaction.atomic(), as_service():
        record(Action.HOST_DISCONNECTED, owner=connection.owner_id, subject=connection)
        vault.remove_key(connection.key)


def _facts(person: Person) -> dict[str, object]:
    return {
        "who": person.name[:200],
        "email": person.email[:254],
        "teams": [vars(team) for team in person.teams],
        "problem": "",
        "checked_at": timezone.now(),
    }


def _words(person: Person) -> str:
    teams = ", ".join(team.name for team in person.teams)
    return f"{person.name or person.email}; teams: {teams}"[:500]

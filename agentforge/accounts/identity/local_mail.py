"""Recover a password and change an address at the local identity service, by mailed links.

A link is signed and works once: it names what the password, or the address, was when it was mailed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.core import signing
from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac

from agentforge.accounts import api_tokens, passwords, session_revocation
from agentforge.accounts.errors import CodeRefused
from agentforge.accounts.models import LocalIdentity, User, is_disabled
from agentforge.accounts.throttling.acts import Act, performs
from agentforge.accounts.throttling.attempts import AttemptThrottle
from agentforge.accounts.throttling.hashing import hash_turn
from agentforge.audit.actions import Action
from agentforge.audit.log import record

LINK_SECONDS = 3600
SPENT = "This link is no longer valid: it was used, replaced or has expired. Ask for a new one."
_RECOVERY, _CHANGE = "agentforge.accounts.recovery", "agentforge.accounts.email"


@dataclass(frozen=True, slots=True)
class AddressChange:
    """A change of address that a link confirms."""

    identity_id: UUID
    old: str
    new: str


def count_mail(email: str, address: str) -> None:
    """Count a requested mail. Raises TooManyAttempts."""
    with transaction.atomic():
        throttle = AttemptThrottle("mail", email=email, address=address)
        throttle.check()
        throttle.count()


def recovery_token(email: str) -> str:
    """Return the token of a recovery link; empty for an address without an account that may sign in."""
    identity = LocalIdentity.objects.filter(email=email).first()
    if identity is None or identity.is_anonymous or is_disabled(identity.pk):
        return ""
    return signing.dumps([str(identity.pk), _fingerprint(identity)], salt=_RECOVERY)


def recovering(token: str) -> LocalIdentity:
    """Return whose password a link may set. Raises CodeRefused."""
    identity_id, fingerprint = _read(token, _RECOVERY, 2)
    identity = LocalIdentity.objects.filter(pk=identity_id).first()
    if identity is None or is_disabled(identity.pk):
        raise CodeRefused(SPENT)
    if not constant_time_compare(fingerprint, _fingerprint(identity)):
        raise CodeRefused(SPENT)
    return identity


def recover(token: str, password: str) -> LocalIdentity:
    """Set a new password, and end every session and API token of the account. Raises CodeRefused.

    Whoever used the account before may not have been the owner of its address.
    """
    recovering(token)
    with hash_turn():
        encoded = passwords.encode(password)
    with transaction.atomic():
        # Once more: the link works once, and another request may have used it meanwhile.
        identity = recovering(token)
        identity = LocalIdentity.objects.set_hash(email=identity.email, encoded=encoded)
        session_revocation.end_sessions_of(identity.pk)
        if user := User.objects.filter(pk=identity.pk).first():
            api_tokens.revoke_all(user)
    return identity


@performs(Act.CHANGE_EMAIL)
def change_token(user: User, email: str) -> str:
    """Return the token of the link that changes an address; empty if the new one is taken."""
    if LocalIdentity.objects.filter(email=email).exists():
        return ""
    record(Action.EMAIL_CHANGE_ASKED, owner=user, to=email)
    return signing.dumps([str(user.pk), user.email, email], salt=_CHANGE)


def changing(token: str) -> AddressChange:
    """Return the change of a link. Raises CodeRefused."""
    identity_id, old, new = _read(token, _CHANGE, 3)
    if not LocalIdentity.objects.filter(pk=identity_id, email=old).exists():
        raise CodeRefused(SPENT)
    return AddressChange(UUID(identity_id), old, new)


def change(token: str) -> AddressChange:
    """Change the address that a link confirms. Raises CodeRefused, also if it was taken meanwhile."""
    asked = changing(token)
    try:
        with transaction.atomic():
            LocalIdentity.objects.filter(pk=asked.identity_id, email=asked.old).update(email=asked.new)
    except IntegrityError as error:
        raise CodeRefused("This address has an account by now. Nothing was changed.") from error
    user = User.objects.get_or_create_for_identity(user_id=asked.identity_id, email=asked.new)
    # The tokens in force still name the old address: only newer ones decide from now on.
    user.claims_issued_at, user.claims_digests = timezone.now(), []
    user.save(update_fields=["claims_issued_at", "claims_digests"])
    return asked


def _fingerprint(identity: LocalIdentity) -> str:
    return salted_hmac(_RECOVERY, f"{identity.email} {identity.password}", algorithm="sha256").hexdigest()


def _read(token: str, salt: str, length: int) -> list[str]:
    try:
        values: Any = signing.loads(token, salt=salt, max_age=LINK_SECONDS)
    except signing.BadSignature as error:
        raise CodeRefused(SPENT) from error
    if not isinstance(values, list) or len(values) != length:
        raise CodeRefused(SPENT)
    return [str(value) for value in values]

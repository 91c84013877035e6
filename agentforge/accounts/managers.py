from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.contrib.auth.models import BaseUserManager
from django.core.exceptions import ValidationError
from django.db import models, transaction

from agentforge.accounts import passwords
from agentforge.audit.actions import Action
from agentforge.audit.log import record

from .signals import account_created

if TYPE_CHECKING:
    from .models import LocalIdentity, User

    _LocalIdentities = models.Manager[LocalIdentity]
else:
    _LocalIdentities = models.Manager


def _storable(email: str, user_id: UUID) -> str:
    # Supabase has users without an address (by phone, anonymous); the column is unique and has a width.
    usable = email and len(email) <= 254 and email.isprintable()
    return email.lower() if usable else f"{user_id}@users.invalid"


class UserManager(BaseUserManager["User"]):
    def get_or_create_for_identity(self, *, user_id: UUID, email: str) -> User:
        """Return the user of an identity, created on first sight; follow a changed e-mail address."""
        user = self.filter(pk=user_id).first()
        if user is None:
            return self.create_for_identity(user_id=user_id, email=email)
        self.follow_address(user, email)
        return user

    @transaction.atomic
    def create_for_identity(self, *, user_id: UUID, email: str, as_of: datetime | None = None) -> User:
        """Create the user of an identity, as its token of that moment describes it."""
        address = self._free(_storable(email, user_id), user_id, as_of) or f"{user_id}@former.invalid"
        user, is_new = self.get_or_create(pk=user_id, defaults={"email": address})
        if is_new:
            record(Action.ACCOUNT_MADE, owner=user, actor=user, email=address)
            account_created.send(type(user), user=user)
        return user

    def follow_address(self, user: User, email: str, *, as_of: datetime | None = None) -> None:
        """Give a user the address that their token of that moment names."""
        address = _storable(email, user.pk)
        if user.email == address:
            return
        with transaction.atomic():
            if self._free(address, user.pk, as_of):
                user.email = address
                user.save(update_fields=["email"])
                record(Action.EMAIL_CHANGED, owner=user, actor=user, email=address)

    def _free(self, address: str, user_id: UUID, as_of: datetime | None) -> str:
        """Take an address from its former owner and return it; empty if a newer token gave it to them.

        Someone who deletes their identity and signs up again gets a new id. The id identifies the person; the
        identity service decides who owns the address.
        """
        for former in self.filter(email=address).exclude(pk=user_id):
            if as_of and former.claims_issued_at and former.claims_issued_at > as_of:
                return ""
            former.email = f"{former.pk}@former.invalid"
            former.save(update_fields=["email"])
        return address

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Create an operator who can sign in with `password` at the local identity service."""
        if settings.SUPABASE_URL:
            # Supabase decides who owns an address, and who operates.
            raise ValidationError(
                "Operators are named in the Supabase project: set agentforge_role to operator in the "
                "app_metadata of a user there. It takes effect at the next sign-in or token refresh."
            )
        address = email.strip().lower()
        identities: LocalIdentityManager = apps.get_model("accounts.LocalIdentity").objects
        identity = identities.set_password(email=address, password=password)
        user = self.get_or_create_for_identity(user_id=identity.pk, email=address)
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_unusable_password()
        for name, value in extra.items():
            setattr(user, name, value)
        user.save(using=self._db)
        record(Action.ROLE_CHANGED, owner=user, role="operator", by="createsuperuser")
        return user


class LocalIdentityManager(_LocalIdentities):
    def set_password(self, *, email: str, password: str | None) -> LocalIdentity:
        """Set an address's password, making a missing identity; end its sessions and API tokens."""
        return self.set_hash(email=email, encoded=passwords.encode(password))

    @transaction.atomic
    def set_hash(self, *, email: str, encoded: str) -> LocalIdentity:
        """Set the hash of an address's password, as `set_password` does."""
        identity, _ = self.update_or_create(email=email, defaults={"password": encoded})
        identity.sessions.all().delete()
        # Whoever had the account before may have made some.
        apps.get_model("accounts.ApiToken").objects.filter(user_id=identity.pk).delete()
        record(Action.PASSWORD_CHANGED, owner=identity.pk)
        return identity

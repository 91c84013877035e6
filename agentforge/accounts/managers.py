from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.models import BaseUserManager
from django.core.exceptions import ValidationError
from django.db import transaction

from agentforge.audit.actions import Action
from agentforge.audit.log import record

if TYPE_CHECKING:
    from .models import User


def _storable(email: str, user_id: UUID) -> str:
    # Supabase has users without an address (by phone, anonymous); the column is unique and has a width.
    usable = email and len(email) <= 254 and email.isprintable()
    return email.lower() if usable else f"{user_id}@users.invalid"


class UserManager(BaseUserManager["User"]):
    def get_or_create_for_identity(self, *, user_id: UUID, email: str) -> User:
        """Return the user of an identity, made on first sight; follow a changed e-mail address."""
        address = _storable(email, user_id)
        user = self.filter(pk=user_id).first()
        if user is None or user.email != address:
            with transaction.atomic():
                self._free_address(address, user_id)
                user, made = self.update_or_create(pk=user_id, defaults={"email": address})
                record(
                    Action.ACCOUNT_MADE if made else Action.EMAIL_CHANGED,
                    owner=user,
                    actor=user,
                    email=address,
                )
        return user

    def _free_address(self, address: str, user_id: UUID) -> None:
        # An identity that was deleted and signed up again has a new id: who you are is the id, and the
        # address belongs to whom the identity service says.
        for former in self.filter(email=address).exclude(pk=user_id):
            former.email = f"{former.pk}@former.invalid"
            former.save(update_fields=["email"])

    def create_superuser(self, email: str, password: str | None = None, **extra: Any) -> User:
        """Make an operator who can sign in with `password` at the local identity service."""
        from .identity.local import LocalIdentityService

        if settings.SUPABASE_URL:
            # Which account an address will belong to is for Supabase to say, and so is who operates.
            raise ValidationError(
                "Operators are named in the Supabase project: set agentforge_role to operator in the "
                "app_metadata of a user there. It holds from the next sign-in or refresh on."
            )
        address = email.strip().lower()
        identity = LocalIdentityService().set_password(email=address, password=password)
        user = self.get_or_create_for_identity(user_id=identity.pk, email=address)
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_unusable_password()
        for name, value in extra.items():
            setattr(user, name, value)
        user.save(using=self._db)
        record(Action.ROLE_CHANGED, owner=user, role="operator", by="createsuperuser")
        return user

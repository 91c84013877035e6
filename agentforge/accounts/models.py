from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone

from .managers import LocalIdentityManager, UserManager

# Of an access token: enough to tell one person's apart.
DIGEST_LENGTH = 16


class Role(models.TextChoices):
    """The values of `app_metadata.agentforge_role` of a Supabase user."""

    NONE = "", "no operator"
    VIEWER = "viewer", "sees the administration"
    OPERATOR = "operator", "does everything in the administration"


class User(AbstractBaseUser, PermissionsMixin):
    """A user of the identity service; the primary key is the JWT's `sub`.

    The identity service holds the credentials; `password` stays unusable here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.NONE, blank=True)
    has_second_factor = models.BooleanField(default=False)
    # Whether the owner of the address chose the password at the identity service: password_choice.py.
    password_is_proven = models.BooleanField(default=False, db_default=False)
    # When the token that last set address and role was issued, and the tokens of that second: profile.py.
    claims_issued_at = models.DateTimeField(null=True)
    claims_digests = ArrayField(models.CharField(max_length=DIGEST_LENGTH), null=True)
    # A guest's, until they sign up: when everything of theirs goes, and whose place it takes: guests.py.
    guest_until = models.DateTimeField(null=True, editable=False, db_index=True)
    guest_address = models.CharField(max_length=100, blank=True, default="", db_default="", editable=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return "a guest" if self.is_guest else self.email

    @property
    def is_guest(self) -> bool:
        """Return whether this is a visitor who tries the forge without an account."""
        return self.guest_until is not None

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Return whether a user has a permission in the administration; viewers may view everything."""
        may_view = self.is_active and self.role == Role.VIEWER and perm.partition(".")[2].startswith("view_")
        return may_view or super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return (self.is_active and self.role == Role.VIEWER) or super().has_module_perms(app_label)


def is_disabled(user_id: uuid.UUID | str) -> bool:
    """Return whether an operator disabled a user."""
    return User.objects.filter(pk=user_id, is_active=False).exists()


def is_visiting(user_id: uuid.UUID | str) -> bool:
    """Return whether a user is a guest whose time is not over."""
    return User.objects.filter(pk=user_id, guest_until__gt=timezone.now()).exists()


class SignIn(models.Model):
    """One browser's tokens; its Django session holds only the primary key.

    A separate row, not session data, so that a slow request that saves an old copy of the session can't
    restore a used refresh token. A refresh is claimed until `refreshing_until`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    access_token = models.TextField()
    refresh_token = models.TextField()
    expires_at = models.DateTimeField()
    refreshing_until = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    # What the list of sessions shows; `seen_at` is a few minutes old at most.
    user_agent = models.CharField(max_length=300, blank=True, default="", db_default="")
    address = models.CharField(max_length=45, blank=True, default="", db_default="")
    seen_at = models.DateTimeField(default=timezone.now, db_default=Now())

    # The identity service's session that was read along with the row and not revoked: sessions/store.py.
    auth_session_in_force = ""

    def __str__(self) -> str:
        return str(self.id)


class ApiToken(models.Model):
    """A secret that a person made for a script; `digest` is its SHA-256, `hint` its last characters."""

    class Scope(models.TextChoices):
        READ = "read", "Read only"
        WRITE = "write", "Read and write"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60)
    digest = models.CharField(max_length=64, unique=True)
    hint = models.CharField(max_length=4)
    scope = models.CharField(max_length=10, choices=Scope.choices)
    # The assurance level of the session that made it: whether a second factor was passed.
    aal = models.CharField(max_length=10)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name

    @property
    def is_expired(self) -> bool:
        return self.expires_at <= timezone.now()


class LocalIdentity(models.Model):
    """One person's credentials for the local identity service."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    password = models.CharField(max_length=256)
    # A guest's: nobody can sign in to it, and its tokens name no address.
    is_anonymous = models.BooleanField(default=False, db_default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[LocalIdentityManager] = LocalIdentityManager()

    def __str__(self) -> str:
        return self.email


class LocalSession(models.Model):
    """One sign-in at the local identity service: a family of refresh tokens.

    Only the refresh token numbered `generation` is valid; it replaced its predecessor at `rotated_at`.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    identity = models.ForeignKey(LocalIdentity, on_delete=models.CASCADE, related_name="sessions")
    generation = models.PositiveIntegerField(default=1)
    rotated_at = models.DateTimeField(default=timezone.now)
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return str(self.id)


class FailedAttempts(models.Model):
    """The count of a throttled action of a subject since `since`: failed sign-ins, builds, messages."""

    subject = models.CharField(primary_key=True, max_length=100)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.subject}: {self.count}"


class Ending(models.Model):
    """The revocation of a session, or of all sessions of a user but the spared ones, at `ended_at`."""

    subject = models.CharField(primary_key=True, max_length=60)
    ended_at = models.DateTimeField(default=timezone.now, db_index=True)
    # Sessions that go on although their tokens may seem to be older.
    spared = ArrayField(models.UUIDField(), null=True)

    def __str__(self) -> str:
        return self.subject

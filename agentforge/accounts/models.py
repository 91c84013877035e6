from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, PermissionsMixin
from django.db import models
from django.utils import timezone

from .managers import LocalIdentityManager, UserManager


class Role(models.TextChoices):
    """What `app_metadata.agentforge_role` of a Supabase user can say."""

    NONE = "", "no operator"
    VIEWER = "viewer", "sees the administration"
    OPERATOR = "operator", "does everything in the administration"


class User(AbstractBaseUser, PermissionsMixin):
    """Mirror a person of the identity service; the primary key is the JWT's `sub`.

    Credentials belong to the identity service: `password` stays unusable here.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.NONE, blank=True)
    has_second_factor = models.BooleanField(default=False)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    def __str__(self) -> str:
        return self.email

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        """Tell whether a user may do something in the administration; viewers may look at all of it."""
        looks = self.is_active and self.role == Role.VIEWER and perm.partition(".")[2].startswith("view_")
        return looks or super().has_perm(perm, obj)

    def has_module_perms(self, app_label: str) -> bool:
        return (self.is_active and self.role == Role.VIEWER) or super().has_module_perms(app_label)


class SignIn(models.Model):
    """Hold one browser's tokens; the browser's Django session carries the primary key only.

    A row of its own, and not the session's data, so that a refresh can lock it and a slower request that
    saves its older copy of the session cannot bring a spent refresh token back.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_ins")
    access_token = models.TextField()
    refresh_token = models.TextField()
    expires_at = models.DateTimeField()
    created_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return str(self.id)


class LocalIdentity(models.Model):
    """Hold one person's credentials for the local identity service."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    email = models.EmailField(unique=True)
    password = models.CharField(max_length=256)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[LocalIdentityManager] = LocalIdentityManager()

    def __str__(self) -> str:
        return self.email


class LocalSession(models.Model):
    """Hold one sign-in of the local identity service: the family of its refresh tokens.

    Only the refresh token numbered `generation` is good; it replaced the one before at `rotated_at`.
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
    """Count what is bounded by a throttle since `since`: a subject's failed sign-ins, builds, messages."""

    subject = models.CharField(primary_key=True, max_length=100)
    count = models.PositiveIntegerField(default=0)
    since = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.subject}: {self.count}"


class Ending(models.Model):
    """Remember that a session, or all sessions of a person, were signed out at `ended_at`."""

    subject = models.CharField(primary_key=True, max_length=60)
    ended_at = models.DateTimeField(default=timezone.now, db_index=True)

    def __str__(self) -> str:
        return self.subject

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.urls import reverse
from django.utils import timezone

from agentforge.telemetry.fields import request_id_field
from agentforge.tenancy.querysets import OwnedQuerySet
from builds.models import Build
from configs.models import AgentConfig, ApiKey, Revision


class Access(models.TextChoices):
    """Who may talk to a deployed agent."""

    PUBLIC = "public", "Everybody"
    PASSWORD = "password", "Whoever knows a shared password"
    SUPABASE = "supabase", "Users of the Supabase project"


class DeploymentStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    RUNNING = "running", "Running"
    SUCCEEDED = "succeeded", "Succeeded"
    FAILED = "failed", "Failed"
    CANCELLED = "cancelled", "Cancelled"


UNFINISHED = (DeploymentStatus.QUEUED, DeploymentStatus.RUNNING)


class Connection(models.Model):
    """An owner's account at a host, with its teams; the token is a key in the vault."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    host = models.CharField(max_length=40)
    key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="+")
    who = models.CharField(max_length=200, blank=True)
    email = models.CharField(max_length=254, blank=True)
    # Each with id, slug and name.
    teams = models.JSONField(default=list)
    problem = models.CharField(max_length=500, blank=True)
    checked_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager[Connection]] = OwnedQuerySet.as_manager()

    class Meta:
        constraints = (models.UniqueConstraint(fields=["owner", "host"], name="deployments_connection_once"),)

    def __str__(self) -> str:
        return f"{self.who or self.email} at {self.host}"


class Site(models.Model):
    """A site at a host that shows an agent, with its owner's settings."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(AgentConfig, on_delete=models.CASCADE, related_name="sites")
    host = models.CharField(max_length=40, default="netlify")
    remote_id = models.CharField(max_length=100)
    name = models.CharField(max_length=63)
    url = models.CharField(max_length=300)
    admin_url = models.CharField(max_length=300, blank=True)
    team_id = models.CharField(max_length=100, blank=True)
    team_slug = models.CharField(max_length=100, blank=True)

    access = models.CharField(max_length=20, choices=Access, default=Access.PUBLIC)
    # pbkdf2:sha256:<iterations>:<salt>:<hash>; the password itself is stored nowhere.
    password_hash = models.CharField(max_length=200, blank=True)
    greeting = models.CharField(max_length=300, blank=True)
    offers_download = models.BooleanField(default=False)
    # Names of the environment variables that deployments set.
    variables = models.JSONField(default=list)

    # Where an own server runs it, if its owner says so, and when it was last seen to answer there.
    own_address = models.CharField(max_length=300, blank=True, default="", db_default="")
    answered_at = models.DateTimeField(null=True, blank=True)

    # Deployed as soon as it succeeds.
    planned_build = models.ForeignKey(
        Build, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    planned_as_draft = models.BooleanField(default=False, db_default=False, editable=False)

    # As the host last reported it: the live deploy, also one made elsewhere.
    live_remote_id = models.CharField(max_length=100, blank=True)
    locked = models.BooleanField(default=False)
    problem = models.CharField(max_length=500, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(default=timezone.now)
    deleted_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"agent__trashed_at": None}
    objects: ClassVar[models.Manager[Site]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("pk",)
        constraints = (
            models.UniqueConstraint(
                fields=["owner", "host", "remote_id"],
                condition=models.Q(deleted_at=None),
                name="deployments_site_once",
            ),
        )

    def __str__(self) -> str:
        return self.name


def new_title() -> str:
    """Return a unique title, by which the host's deploy can be found."""
    return f"agentforge-{uuid.uuid4().hex}"


class Deployment(models.Model):
    """One deployment of a build to a site, from its job to the verification of the site."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="deployments")
    build = models.ForeignKey(Build, null=True, on_delete=models.SET_NULL, related_name="+")
    revision = models.ForeignKey(Revision, on_delete=models.CASCADE, related_name="+")
    # The revision that the site showed before this last went live; for a draft, when it was ready.
    replaced = models.ForeignKey(
        Revision, null=True, blank=True, editable=False, on_delete=models.SET_NULL, related_name="+"
    )
    asked_by = models.CharField(max_length=254, blank=True)
    draft = models.BooleanField(default=False)
    status = models.CharField(max_length=20, choices=DeploymentStatus, default=DeploymentStatus.QUEUED)
    job_id = models.BigIntegerField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    # Stored, so that the next worker continues a cancel during which a worker died.
    cancel_asked = models.BooleanField(default=False)

    # Its title at the host, set before the deploy is created, and its id from then on.
    title = models.CharField(max_length=60, default=new_title, unique=True)
    remote_id = models.CharField(max_length=100, blank=True)
    # sha256 of the list of files and their digests; the site serves it in its content marker.
    content_sha256 = models.CharField(max_length=64, blank=True)
    url = models.CharField(max_length=300, blank=True)

    # The access settings of this deployment; later changes to the site do not affect it.
    access = models.CharField(max_length=20, blank=True, choices=Access)
    password_hash = models.CharField(max_length=200, blank=True)

    files = models.PositiveIntegerField(default=0)
    uploaded_files = models.PositiveIntegerField(default=0)
    uploaded_bytes = models.BigIntegerField(default=0)
    steps = models.JSONField(default=list)
    reason = models.CharField(max_length=40, blank=True)
    error = models.TextField(blank=True)
    request_id = request_id_field()
    created_at = models.DateTimeField(default=timezone.now)
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    published_at = models.DateTimeField(null=True, blank=True)

    SHOWN_IF: ClassVar = {"site__agent__trashed_at": None}
    objects: ClassVar[models.Manager[Deployment]] = OwnedQuerySet.as_manager()

    class Meta:
        ordering = ("-pk",)
        indexes = (
            models.Index(fields=["owner", "-id"], name="deployments_by_owner"),
            models.Index(fields=["site", "-id"], name="deployments_by_site"),
            # A person's queries also name the owner, of whom PostgreSQL expects few rows: by the other
            # indexes it reads all deployments of a site for the newest.
            models.Index(fields=["site", "owner", "-id"], name="deployments_newest"),
            models.Index(
                fields=["id"], name="deployments_unfinished", condition=models.Q(status__in=UNFINISHED)
            ),
        )

    def __str__(self) -> str:
        return f"deployment {self.pk}"

    def get_absolute_url(self) -> str:
        return reverse("deployments:detail", args=[self.pk])

    @property
    def stream_name(self) -> str:
        return f"deployment-{self.pk}"

    @property
    def keeps_the_rules(self) -> bool:
        """Return whether its access settings are the current ones of its site."""
        return (self.access, self.password_hash) == (self.site.access, self.site.password_hash)

    @property
    def is_live(self) -> bool:
        """Return whether the site showed it at the last refresh; False for a deleted site."""
        return (
            bool(self.remote_id)
            and self.site.live_remote_id == self.remote_id
            and self.site.deleted_at is None
        )

from __future__ import annotations

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

import agentforge.telemetry.context

_STATES = [
    ("queued", "Waiting"),
    ("reading", "Reading"),
    ("ready", "Ready"),
    ("failed", "Failed"),
    ("missing", "Missing"),
]


def _id() -> models.BigAutoField[int, int]:
    return models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")


def _owner() -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL
    )


def _agent(related_name: str) -> models.ForeignKey[Any, Any]:
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to="configs.agentconfig"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0012_fallback"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "agentconfig",
            "knowledge",
            models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
        migrations.AddField(
            "agentconfig", "knowledge_trusted", models.BooleanField(db_default=True, default=True)
        ),
        migrations.CreateModel(
            "KnowledgeBlob",
            [
                ("id", _id()),
                ("sha256", models.CharField(max_length=64)),
                ("content", models.BinaryField()),
                ("size", models.PositiveIntegerField()),
                ("agent", _agent("+")),
                ("owner", _owner()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("agent", "sha256"), name="configs_knowledgeblob_agent_sha256"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            "KnowledgeFile",
            [
                ("id", _id()),
                ("name", models.CharField(max_length=120)),
                ("sha256", models.CharField(max_length=64)),
                ("size", models.PositiveIntegerField(default=0)),
                ("state", models.CharField(choices=_STATES, default="queued", max_length=20)),
                ("detail", models.CharField(blank=True, max_length=500)),
                ("text_sha256", models.CharField(blank=True, max_length=64)),
                ("text_size", models.PositiveIntegerField(default=0)),
                ("passages", models.PositiveIntegerField(default=0)),
                ("job_id", models.BigIntegerField(blank=True, null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                (
                    "request_id",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default=agentforge.telemetry.context.current_request_id,
                        editable=False,
                        max_length=64,
                    ),
                ),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("agent", _agent("knowledge_files")),
                ("owner", _owner()),
            ],
            options={
                "ordering": ("name", "pk"),
                "constraints": [
                    models.UniqueConstraint(fields=("agent", "name"), name="configs_knowledgefile_agent_name")
                ],
            },
        ),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import builds.models
from agentforge.tenancy.operations import EnableRowLevelSecurity

STATUSES = [
    ("queued", "Queued"),
    ("running", "Running"),
    ("succeeded", "Succeeded"),
    ("failed", "Failed"),
    ("cancelled", "Cancelled"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0003_chat_stream_position"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="build",
            name="targets",
            field=models.JSONField(default=builds.models.default_targets),
        ),
        migrations.AddField(
            model_name="artifact",
            name="target",
            field=models.CharField(default="plugin", max_length=40),
        ),
        migrations.RemoveConstraint(model_name="artifact", name="builds_artifact_build_name"),
        migrations.AddConstraint(
            model_name="artifact",
            constraint=models.UniqueConstraint(
                fields=("build", "target", "name"), name="builds_artifact_path"
            ),
        ),
        migrations.CreateModel(
            name="BuildTarget",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("target", models.CharField(max_length=40)),
                ("status", models.CharField(choices=STATUSES, default="queued", max_length=20)),
                ("input_digest", models.CharField(blank=True, max_length=64)),
                ("from_cache", models.BooleanField(default=False)),
                ("builder", models.CharField(blank=True, max_length=120)),
                ("sandbox", models.CharField(blank=True, max_length=40)),
                ("toolchain", models.JSONField(default=dict)),
                ("steps", models.JSONField(default=list)),
                ("exit_code", models.IntegerField(blank=True, null=True)),
                ("error", models.TextField(blank=True)),
                ("started_at", models.DateTimeField(blank=True, null=True)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "build",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="per_target",
                        to="builds.build",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ("pk",),
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "succeeded")),
                        fields=["input_digest"],
                        name="builds_buildtarget_input",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(fields=("build", "target"), name="builds_buildtarget_once")
                ],
            },
        ),
        # Its digest finds files for other people's builds of the same inputs, so only the forge writes it.
        EnableRowLevelSecurity("builds_buildtarget", commands=["select"]),
    ]

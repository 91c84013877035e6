import agentforge.telemetry.context
import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from agentforge.tenancy.operations import EnableRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0015_request_id"),
        ("configs", "0010_request_id"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Evaluation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("cases", models.TextField(blank=True)),
                (
                    "gate",
                    models.CharField(
                        choices=[
                            ("off", "Deploy anyway"),
                            ("warn", "Warn before a deployment"),
                            ("block", "Refuse a deployment"),
                        ],
                        default="off",
                        max_length=20,
                    ),
                ),
                ("updated_at", models.DateTimeField(auto_now=True)),
                (
                    "agent",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evaluation",
                        to="configs.agentconfig",
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
        ),
        migrations.CreateModel(
            name="EvaluationRun",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("document", models.TextField(blank=True)),
                ("subject", models.CharField(max_length=80)),
                ("cases", models.TextField()),
                ("results", models.JSONField(default=list)),
                ("trials", models.PositiveIntegerField()),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("queued", "Queued"),
                            ("running", "Running"),
                            ("passed", "Passed"),
                            ("failed", "Failed"),
                            ("broken", "Not finished"),
                            ("stopped", "Stopped"),
                        ],
                        default="queued",
                        max_length=20,
                    ),
                ),
                ("error", models.TextField(blank=True)),
                ("job_id", models.BigIntegerField(blank=True, null=True)),
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
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="evaluation_runs",
                        to="configs.agentconfig",
                    ),
                ),
                (
                    "build",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="evaluation_runs",
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
                "ordering": ("-pk",),
            },
        ),
        # Users read; the forge writes.
        EnableRowLevelSecurity("builds_evaluation", commands=["select"]),
        RequireSameOwner("builds_evaluation", {"agent_id": "configs_agentconfig"}),
        EnableRowLevelSecurity("builds_evaluationrun", commands=["select"]),
        RequireSameOwner(
            "builds_evaluationrun", {"agent_id": "configs_agentconfig", "build_id": "builds_build"}
        ),
    ]

import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from agentforge.tenancy.operations import EnableRowLevelSecurity

STATUSES = [
    ("queued", "Queued"),
    ("running", "Running"),
    ("same", "The same"),
    ("different", "Different"),
    ("failed", "Failed"),
]


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0009_builder_choice"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="BuildVerification",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("status", models.CharField(choices=STATUSES, default="queued", max_length=20)),
                ("job_id", models.BigIntegerField(blank=True, null=True)),
                ("findings", models.JSONField(default=list)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "build",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="verifications",
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
            options={"ordering": ("-pk",)},
        ),
        # What a verification found is the forge's to say.
        EnableRowLevelSecurity("builds_buildverification", commands=["select"]),
    ]

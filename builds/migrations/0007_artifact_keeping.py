from datetime import timedelta
from typing import Any

import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from agentforge.tenancy.operations import EnableRowLevelSecurity


def know_files(apps: Any, schema_editor: Any) -> None:
    """Know every file that a build names, and give finished builds the end of their keeping."""
    hashes = (
        apps.get_model("builds", "Artifact").objects.values_list("sha256", flat=True).distinct().order_by()
    )
    stored_file = apps.get_model("builds", "StoredFile")
    rows = (stored_file(sha256=sha256) for sha256 in hashes.iterator())
    stored_file.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)
    if settings.ARTIFACT_DAYS:
        finished = apps.get_model("builds", "Build").objects.filter(finished_at__isnull=False)
        finished.update(expires_at=django.utils.timezone.now() + timedelta(days=settings.ARTIFACT_DAYS))


class Migration(migrations.Migration):
    dependencies = [("builds", "0006_facts_leave_builds")]

    operations = [
        migrations.AddField("build", "expires_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("build", "pinned", models.BooleanField(default=False)),
        migrations.AddField("build", "expired_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("build", "expired_files", models.JSONField(blank=True, default=dict)),
        migrations.AddIndex(
            "build",
            models.Index(
                fields=["expires_at"],
                name="builds_build_expires",
                condition=models.Q(expired_at__isnull=True, pinned=False),
            ),
        ),
        migrations.CreateModel(
            name="StoredFile",
            fields=[
                ("sha256", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("used_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("checked_at", models.DateTimeField(blank=True, null=True)),
                ("upload_url", models.TextField(blank=True)),
            ],
            options={"indexes": [models.Index(fields=["used_at"], name="builds_storedfile_used")]},
        ),
        # Bytes are shared by whoever built the same: no user's row, and the forge's alone.
        EnableRowLevelSecurity("builds_storedfile", owner="sha256", commands=[]),
        migrations.RunPython(know_files, migrations.RunPython.noop, elidable=True),
    ]

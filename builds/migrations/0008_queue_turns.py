from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0007_artifact_keeping")]

    operations = [
        migrations.AddField("build", "turn", models.BigIntegerField(default=0)),
        migrations.AddIndex("build", models.Index(fields=["owner", "-turn"], name="builds_build_owner_turn")),
        migrations.AddIndex(
            "build",
            models.Index(
                fields=["-turn"],
                name="builds_build_begun",
                condition=models.Q(started_at__isnull=False),
            ),
        ),
        migrations.AddIndex(
            "build",
            models.Index(
                fields=["status", "turn", "id"],
                name="builds_build_open",
                condition=models.Q(status__in=("queued", "running")),
            ),
        ),
    ]

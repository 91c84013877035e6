import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from agentforge.tenancy.operations import EnableRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0019_answer_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            "chatmessage", "images", models.PositiveSmallIntegerField(db_default=0, default=0)
        ),
        migrations.CreateModel(
            name="ChatImage",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveSmallIntegerField()),
                ("media_type", models.CharField(max_length=20)),
                ("content", models.BinaryField()),
                (
                    "message",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pictures",
                        to="builds.chatmessage",
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
        migrations.AddConstraint(
            "chatimage",
            models.UniqueConstraint(fields=["message", "number"], name="builds_chatimage_number"),
        ),
        # Users read; the forge writes.
        EnableRowLevelSecurity("builds_chatimage", commands=["select"]),
        RequireSameOwner("builds_chatimage", {"message_id": "builds_chatmessage"}),
    ]

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from agentforge.tenancy.operations import EnableRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0018_chat_approval"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AnswerFiles",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("content", models.BinaryField()),
                (
                    "message",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="files",
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
        # Users read; the forge writes.
        EnableRowLevelSecurity("builds_answerfiles", commands=["select"]),
        RequireSameOwner("builds_answerfiles", {"message_id": "builds_chatmessage"}),
    ]

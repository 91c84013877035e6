import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from agentforge.tenancy.operations import EnableRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0013_chat_duration"),
        ("configs", "0005_forge_writes"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Conversation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("title", models.CharField(max_length=80)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now)),
                ("active_at", models.DateTimeField(default=django.utils.timezone.now)),
                (
                    "agent",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conversations",
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
            options={"ordering": ("-active_at", "-pk")},
        ),
        # Users read; the forge writes.
        EnableRowLevelSecurity("builds_conversation", commands=["select"]),
        RequireSameOwner("builds_conversation", {"agent_id": "configs_agentconfig"}),
        migrations.AddField(
            "chatmessage",
            "conversation",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="messages",
                to="builds.conversation",
            ),
        ),
        RequireSameOwner("builds_chatmessage", {"conversation_id": "builds_conversation"}),
    ]

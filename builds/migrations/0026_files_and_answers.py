from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The tables can be large: builds and chats go on meanwhile.
    atomic = False
    dependencies = [("builds", "0025_rows_of_newer_tables")]

    operations = [
        AddIndexConcurrently("artifact", models.Index(fields=["created_at"], name="builds_artifact_created")),
        AddIndexConcurrently(
            "chatmessage",
            models.Index(
                fields=["agent", "id"],
                name="builds_chat_answered",
                condition=models.Q(source="build", role="assistant", status="done"),
            ),
        ),
    ]

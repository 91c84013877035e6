from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be large: people chat meanwhile.
    atomic = False
    dependencies = [("builds", "0022_recordings")]

    operations = [
        AddIndexConcurrently(
            "chatmessage",
            models.Index(
                fields=["agent", "id"],
                name="builds_chat_unfinished",
                condition=models.Q(status__in=("queued", "streaming")),
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The tables can be large: drafts are checked and files read meanwhile.
    atomic = False
    dependencies = [("configs", "0021_rows_of_newer_tables")]

    operations = [
        AddIndexConcurrently(
            "processrun",
            models.Index(
                fields=["id"],
                name="configs_processrun_active",
                condition=models.Q(status__in=("queued", "running")),
            ),
        ),
        AddIndexConcurrently(
            "knowledgefile",
            models.Index(
                fields=["id"],
                name="configs_knowledge_unread",
                condition=models.Q(state__in=("queued", "reading")),
            ),
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be large: agents are deployed meanwhile.
    atomic = False
    dependencies = [("deployments", "0009_request_id")]

    operations = [
        AddIndexConcurrently(
            "deployment",
            models.Index(
                fields=["id"],
                name="deployments_unfinished",
                condition=models.Q(status__in=("queued", "running")),
            ),
        ),
    ]

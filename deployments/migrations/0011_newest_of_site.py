from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be large: agents are deployed meanwhile.
    atomic = False
    dependencies = [("deployments", "0010_unfinished_deployments")]

    operations = [
        AddIndexConcurrently(
            "deployment", models.Index(fields=["site", "owner", "-id"], name="deployments_newest")
        ),
    ]

from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be large: logs are written meanwhile.
    atomic = False
    dependencies = [("live", "0003_hidden_streams")]

    operations = [
        AddIndexConcurrently("stream", models.Index(fields=["closed_at"], name="live_stream_closed")),
    ]

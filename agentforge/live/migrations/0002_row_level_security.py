from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [("live", "0001_initial"), ("tenancy", "0001_roles")]

    operations = [
        # What happened is the forge's to write.
        EnableRowLevelSecurity("live_stream", commands=["select"]),
        EnableRowLevelSecurity(
            "live_chunk", commands=["select"], through=("stream_id", "live_stream", "name")
        ),
    ]

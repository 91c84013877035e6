from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("configs", "0007_correct_digests")]

    operations = [
        migrations.AddField("agentconfig", "archived_at", models.DateTimeField(blank=True, null=True)),
        migrations.AddField("agentconfig", "trashed_at", models.DateTimeField(blank=True, null=True)),
        migrations.RemoveConstraint("agentconfig", "configs_agent_owner_handle"),
        migrations.AddConstraint(
            "agentconfig",
            models.UniqueConstraint(
                condition=models.Q(("trashed_at", None)),
                fields=("owner", "handle"),
                name="configs_agent_owner_handle",
            ),
        ),
        migrations.AddIndex(
            "agentconfig",
            models.Index(
                condition=models.Q(("trashed_at__isnull", False)),
                fields=["trashed_at"],
                name="configs_agent_trashed",
            ),
        ),
    ]

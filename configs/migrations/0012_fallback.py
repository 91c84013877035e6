from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("configs", "0011_revision_author_and_name")]

    # With defaults of the database: a process of the former release makes agents without these columns.
    operations = [
        migrations.AddField(
            "agentconfig",
            "fallback_provider",
            models.CharField(blank=True, db_default="", default="", max_length=40),
        ),
        migrations.AddField(
            "agentconfig",
            "fallback_model",
            models.CharField(blank=True, db_default="", default="", max_length=200),
        ),
    ]

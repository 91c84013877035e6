from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0006_same_owner")]

    operations = [
        migrations.AddField(
            "site", "own_address", models.CharField(blank=True, db_default="", default="", max_length=300)
        ),
        migrations.AddField("site", "answered_at", models.DateTimeField(blank=True, null=True)),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("live", "0004_closed_streams")]

    operations = [
        migrations.AddField("stream", "epoch", models.BigIntegerField(blank=True, null=True)),
    ]

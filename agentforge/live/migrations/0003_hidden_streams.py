from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("live", "0002_row_level_security")]

    operations = [
        migrations.AddField("stream", "hidden_at", models.DateTimeField(blank=True, null=True)),
    ]

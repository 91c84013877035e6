from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0018_memory_window"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentconfig",
            name="images",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]

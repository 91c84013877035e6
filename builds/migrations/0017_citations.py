from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0016_evaluations")]

    operations = [
        migrations.AddField(
            "chatmessage",
            "citations",
            models.JSONField(db_default=models.Value([], models.JSONField()), default=list),
        ),
    ]

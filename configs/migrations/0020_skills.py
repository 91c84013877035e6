from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0019_images"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentconfig",
            name="skills",
            field=models.JSONField(blank=True, db_default=models.Value([], models.JSONField()), default=list),
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0017_budget"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentconfig",
            name="memory_tokens",
            field=models.PositiveIntegerField(blank=True, null=True),
        ),
    ]

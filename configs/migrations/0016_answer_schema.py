from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0015_tool_settings"),
    ]

    operations = [
        migrations.AddField(
            model_name="agentconfig",
            name="answer_schema",
            field=models.TextField(blank=True, db_default="", default=""),
        ),
    ]

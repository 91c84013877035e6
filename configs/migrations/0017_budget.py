from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0016_answer_schema"),
    ]

    operations = [
        *(
            migrations.AddField("agentconfig", name, models.PositiveIntegerField(blank=True, null=True))
            for name in ("conversation_tokens", "day_tokens")
        ),
        *(
            migrations.AddField(
                "agentconfig",
                name,
                models.DecimalField(blank=True, decimal_places=2, max_digits=8, null=True),
            )
            for name in ("conversation_cost", "day_cost")
        ),
    ]

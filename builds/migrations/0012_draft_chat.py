from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0011_forge_writes")]

    operations = [
        migrations.AddField(
            "chatmessage",
            "source",
            models.CharField(
                choices=[("build", "Build"), ("draft", "Draft")],
                db_default="build",
                default="build",
                max_length=20,
            ),
        ),
        migrations.AddField(
            "chatmessage", "document", models.TextField(blank=True, db_default="", default="")
        ),
        migrations.AddField(
            "chatmessage", "edition", models.CharField(blank=True, db_default="", default="", max_length=60)
        ),
    ]

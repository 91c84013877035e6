from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("builds", "0020_chat_images")]

    operations = [
        migrations.AddField(
            "conversation",
            "source",
            models.CharField(
                choices=[("build", "Build"), ("draft", "Draft")],
                db_default="build",
                default="build",
                max_length=20,
            ),
        ),
    ]

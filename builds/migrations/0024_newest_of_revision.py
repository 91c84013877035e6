import django.db.models.deletion
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The table can be large: builds go on meanwhile.
    atomic = False
    dependencies = [("builds", "0023_unfinished_answers"), ("configs", "0019_images")]

    operations = [
        AddIndexConcurrently("build", models.Index(fields=["revision", "-id"], name="builds_build_revision")),
        # Which serves as its index too.
        migrations.AlterField(
            "build",
            "revision",
            models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="builds",
                to="configs.revision",
            ),
        ),
    ]

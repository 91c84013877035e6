from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    # The tables can be large: builds are checked meanwhile.
    atomic = False
    dependencies = [("builds", "0026_files_and_answers")]

    operations = [
        AddIndexConcurrently(
            "buildverification",
            models.Index(
                fields=["id"],
                name="builds_verification_open",
                condition=models.Q(status__in=("queued", "running")),
            ),
        ),
        AddIndexConcurrently(
            "evaluationrun",
            models.Index(
                fields=["id"],
                name="builds_evaluation_open",
                condition=models.Q(status__in=("queued", "running")),
            ),
        ),
    ]

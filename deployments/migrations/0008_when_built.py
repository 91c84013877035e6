import django.db.models.deletion
from django.db import migrations, models

from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [("deployments", "0007_own_server_answers")]

    operations = [
        migrations.AddField(
            "site",
            "planned_build",
            models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="builds.build",
            ),
        ),
        migrations.AddField(
            "site", "planned_as_draft", models.BooleanField(db_default=False, default=False, editable=False)
        ),
        RequireSameOwner("deployments_site", {"planned_build_id": "builds_build"}),
    ]

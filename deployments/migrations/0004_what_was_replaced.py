import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0004_choose_keys"),
        ("deployments", "0002_row_level_security"),
    ]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="replaced",
            field=models.ForeignKey(
                blank=True,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="configs.revision",
            ),
        ),
    ]

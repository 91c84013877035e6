import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_announce_sign_outs")]

    operations = [
        # Accounts that exist are not asked; new ones are, as the second default says.
        migrations.AddField(
            model_name="user",
            name="password_is_proven",
            field=models.BooleanField(default=True, db_default=True),
        ),
        migrations.AlterField(
            model_name="user",
            name="password_is_proven",
            field=models.BooleanField(default=False, db_default=False),
        ),
        migrations.AddField(
            model_name="ending",
            name="spared",
            field=django.contrib.postgres.fields.ArrayField(models.UUIDField(), null=True),
        ),
    ]

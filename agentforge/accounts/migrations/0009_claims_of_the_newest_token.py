from django.contrib.postgres.fields import ArrayField
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0008_sign_in_refreshing_until")]

    operations = [
        migrations.AddField(
            model_name="user", name="claims_issued_at", field=models.DateTimeField(null=True)
        ),
        migrations.AddField(
            model_name="user",
            name="claims_digests",
            field=ArrayField(base_field=models.CharField(max_length=16), null=True, size=None),
        ),
    ]

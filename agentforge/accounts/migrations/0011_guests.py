from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_api_tokens")]

    operations = [
        migrations.AddField(
            model_name="user",
            name="guest_until",
            field=models.DateTimeField(db_index=True, editable=False, null=True),
        ),
        migrations.AddField(
            model_name="user",
            name="guest_address",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=100),
        ),
        migrations.AddField(
            model_name="localidentity",
            name="is_anonymous",
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]

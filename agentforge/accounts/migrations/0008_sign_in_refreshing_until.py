from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0007_proven_passwords")]

    operations = [
        migrations.AddField(
            model_name="signin", name="refreshing_until", field=models.DateTimeField(null=True)
        ),
    ]

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("deployments", "0004_what_was_replaced")]

    operations = [
        migrations.AddField(
            model_name="deployment",
            name="access",
            field=models.CharField(
                blank=True,
                choices=[
                    ("public", "Everybody"),
                    ("password", "Whoever knows a shared password"),
                    ("supabase", "Users of the Supabase project"),
                ],
                max_length=20,
            ),
        ),
        migrations.AddField(
            model_name="deployment",
            name="password_hash",
            field=models.CharField(blank=True, max_length=200),
        ),
    ]

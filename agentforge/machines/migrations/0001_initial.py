from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [("tenancy", "0001_roles")]

    operations = [
        migrations.CreateModel(
            name="SharedFingerprint",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("variable", models.CharField(max_length=64)),
                ("fingerprint", models.CharField(max_length=32)),
                ("host", models.CharField(max_length=255)),
                ("recorded_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("variable", "fingerprint"), name="machines_sharedfingerprint_once"
                    )
                ],
            },
        ),
    ]

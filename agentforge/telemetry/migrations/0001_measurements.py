from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    # The roles of the database, to which the new table is closed.
    dependencies = [("tenancy", "0001_roles")]

    operations = [
        migrations.CreateModel(
            name="Measurement",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("metric", models.CharField(max_length=60)),
                ("labels", models.CharField(max_length=300)),
                ("le", models.FloatField()),
                ("count", models.BigIntegerField()),
                ("total", models.FloatField(default=0.0)),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("metric", "labels", "le"), name="telemetry_measurement_once"
                    )
                ],
            },
        ),
    ]

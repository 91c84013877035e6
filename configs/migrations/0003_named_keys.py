import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

# Beside the owner's policies: a foreign key alone would let an agent point at somebody else's key.
_OWN_KEY = """
CREATE POLICY own_key_{command} ON configs_agentconfig AS RESTRICTIVE FOR {command} TO authenticated
    {using} WITH CHECK (api_key_id IS NULL OR api_key_id IN (
        SELECT k.id FROM configs_apikey k WHERE k.owner_id = (SELECT auth.uid())
    ))
"""


class Migration(migrations.Migration):
    dependencies = [
        ("configs", "0002_row_level_security"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField("apikey", "name", models.CharField(default="Default", max_length=60)),
        migrations.RemoveConstraint("apikey", "configs_apikey_owner_provider"),
        migrations.AddConstraint(
            "apikey",
            models.UniqueConstraint(
                fields=("owner", "provider", "name"), name="configs_apikey_owner_provider_name"
            ),
        ),
        migrations.AddField(
            "agentconfig",
            "api_key",
            models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="agents",
                to="configs.apikey",
            ),
        ),
        migrations.RunSQL(
            [
                _OWN_KEY.format(command="INSERT", using=""),
                _OWN_KEY.format(command="UPDATE", using="USING (true)"),
            ],
            [
                "DROP POLICY own_key_insert ON configs_agentconfig",
                "DROP POLICY own_key_update ON configs_agentconfig",
            ],
        ),
    ]

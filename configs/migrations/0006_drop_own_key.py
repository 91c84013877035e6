from django.db import migrations

# Users write no drafts any more, and a foreign key includes the owner. A restrictive policy also holds for a
# role that is a member of its role, as the forge's is of `authenticated`: it would refuse what the forge saves.
_OWN_KEY = """
CREATE POLICY own_key_{command} ON configs_agentconfig AS RESTRICTIVE FOR {command} TO authenticated
    {using} WITH CHECK (api_key_id IS NULL OR api_key_id IN (
        SELECT k.id FROM configs_apikey k WHERE k.owner_id = (SELECT auth.uid())
    ))
"""


class Migration(migrations.Migration):
    dependencies = [("configs", "0005_forge_writes")]

    operations = [
        migrations.RunSQL(
            [
                "DROP POLICY own_key_insert ON configs_agentconfig",
                "DROP POLICY own_key_update ON configs_agentconfig",
            ],
            [
                _OWN_KEY.format(command="INSERT", using=""),
                _OWN_KEY.format(command="UPDATE", using="USING (true)"),
            ],
        ),
    ]

from django.db import migrations

# A digest from before the database checked it, which a user forged, would pass for that of an honest draft.
# Of several revisions with the same content, one is corrected: a digest names one revision of an agent.
_CORRECT = """
WITH counted AS (
    SELECT id, agent_id, sha256, encode(sha256(convert_to(canonical_json, 'UTF8')), 'hex') AS digest
    FROM configs_revision
)
UPDATE configs_revision AS revision SET sha256 = forged.digest
FROM (
    SELECT DISTINCT ON (agent_id, digest) id, digest FROM counted
    WHERE sha256 <> digest AND (agent_id, digest) NOT IN (SELECT agent_id, sha256 FROM counted)
    ORDER BY agent_id, digest, id
) AS forged
WHERE revision.id = forged.id
"""


class Migration(migrations.Migration):
    dependencies = [("configs", "0006_drop_own_key")]

    operations = [migrations.RunSQL(_CORRECT, migrations.RunSQL.noop, elidable=True)]

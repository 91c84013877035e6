from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity, ReplaceRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner

_OF_AGENT = {"agent_id": "configs_agentconfig"}

# NOT VALID: a row from before, which a user forged, must not stop the upgrade; it is refused where it is used.
_CHECK_DIGEST = """
ALTER TABLE configs_revision ADD CONSTRAINT configs_revision_digest
CHECK (sha256 = encode(sha256(convert_to(canonical_json, 'UTF8')), 'hex')) NOT VALID
"""
_FORGET_DIGEST = "ALTER TABLE configs_revision DROP CONSTRAINT configs_revision_digest"


class Migration(migrations.Migration):
    dependencies = [("configs", "0004_choose_keys"), ("tenancy", "0001_roles")]

    operations = [
        # Users read; the forge writes, after its forms, limits and audit log. What is derived from a draft
        # decides where keys are sent and what is compiled.
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity("configs_agentconfig"),
            EnableRowLevelSecurity("configs_agentconfig", commands=["select"]),
        ),
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity("configs_apikey"),
            EnableRowLevelSecurity("configs_apikey", commands=["select"]),
        ),
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity(
                "configs_processrun",
                commands=["select", "insert", "delete"],
                parents=_OF_AGENT,
                insert_check="job_id IS NULL",
            ),
            EnableRowLevelSecurity("configs_processrun", commands=["select"]),
        ),
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity(
                "configs_revision", commands=["select", "insert", "delete"], parents=_OF_AGENT
            ),
            EnableRowLevelSecurity("configs_revision", commands=["select"]),
        ),
        migrations.RunSQL(_CHECK_DIGEST, _FORGET_DIGEST),
        RequireSameOwner("configs_agentconfig", {"api_key_id": "configs_apikey"}),
        RequireSameOwner("configs_processrun", _OF_AGENT),
        RequireSameOwner("configs_revision", _OF_AGENT),
    ]

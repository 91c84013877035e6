from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity

_OF_AGENT = {"agent_id": "configs_agentconfig"}


class Migration(migrations.Migration):
    dependencies = [("configs", "0001_initial"), ("tenancy", "0001_roles")]

    operations = [
        EnableRowLevelSecurity("configs_agentconfig"),
        EnableRowLevelSecurity("configs_apikey"),
        # The number of a job is the forge's to write: a cancel cancels it.
        EnableRowLevelSecurity(
            "configs_processrun",
            commands=["select", "insert", "delete"],
            parents=_OF_AGENT,
            insert_check="job_id IS NULL",
        ),
        # A revision is immutable.
        EnableRowLevelSecurity(
            "configs_revision", commands=["select", "insert", "delete"], parents=_OF_AGENT
        ),
    ]

from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("builds", "0001_initial"),
        ("configs", "0002_row_level_security"),
        ("tenancy", "0001_roles"),
    ]

    operations = [
        # What became of a build is the forge's to write. Its digest finds files for other people's builds of
        # the same inputs, and its job's number is what a cancel cancels.
        EnableRowLevelSecurity(
            "builds_build",
            commands=["select", "insert", "delete"],
            parents={"revision_id": "configs_revision"},
            insert_check="status = 'queued' AND input_digest = '' AND NOT from_cache AND job_id IS NULL",
        ),
        # An artifact names bytes by their hash alone: who could write one could download anybody's, and who
        # could delete one could spoil a build that others are given from the cache.
        EnableRowLevelSecurity("builds_artifact", commands=["select"]),
        EnableRowLevelSecurity(
            "builds_chatmessage",
            commands=["select", "insert", "delete"],
            parents={"agent_id": "configs_agentconfig", "build_id": "builds_build"},
            insert_check="job_id IS NULL",
        ),
    ]

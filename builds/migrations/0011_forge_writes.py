from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity, ReplaceRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner

_OF_BUILD = {"build_id": "builds_build"}
_OF_CHAT = {"agent_id": "configs_agentconfig", **_OF_BUILD}


class Migration(migrations.Migration):
    dependencies = [("builds", "0010_build_verification"), ("configs", "0005_forge_writes")]

    operations = [
        # Users read; the forge writes.
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity(
                "builds_build",
                commands=["select", "insert", "delete"],
                parents={"revision_id": "configs_revision"},
                insert_check="status = 'queued' AND job_id IS NULL",
            ),
            EnableRowLevelSecurity("builds_build", commands=["select"]),
        ),
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity(
                "builds_chatmessage",
                commands=["select", "insert", "delete"],
                parents=_OF_CHAT,
                insert_check="job_id IS NULL",
            ),
            EnableRowLevelSecurity("builds_chatmessage", commands=["select"]),
        ),
        RequireSameOwner("builds_build", {"revision_id": "configs_revision"}),
        RequireSameOwner("builds_buildtarget", _OF_BUILD),
        RequireSameOwner("builds_artifact", _OF_BUILD),
        RequireSameOwner("builds_buildverification", _OF_BUILD),
        RequireSameOwner("builds_chatmessage", _OF_CHAT),
    ]

from django.db import migrations

from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [("deployments", "0005_who_may_talk"), ("builds", "0011_forge_writes")]

    operations = [
        RequireSameOwner("deployments_connection", {"key_id": "configs_apikey"}),
        RequireSameOwner("deployments_site", {"agent_id": "configs_agentconfig"}),
        RequireSameOwner(
            "deployments_deployment",
            {
                "site_id": "deployments_site",
                "build_id": "builds_build",
                "revision_id": "configs_revision",
                "replaced_id": "configs_revision",
            },
        ),
    ]

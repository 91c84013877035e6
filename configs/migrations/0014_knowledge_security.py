from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity
from agentforge.tenancy.ownership import RequireSameOwner


class Migration(migrations.Migration):
    dependencies = [("configs", "0013_knowledge"), ("tenancy", "0001_roles")]

    operations = [
        EnableRowLevelSecurity("configs_knowledgefile", commands=["select"]),
        EnableRowLevelSecurity("configs_knowledgeblob", commands=["select"]),
        RequireSameOwner("configs_knowledgefile", {"agent_id": "configs_agentconfig"}),
        RequireSameOwner("configs_knowledgeblob", {"agent_id": "configs_agentconfig"}),
    ]

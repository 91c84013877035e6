from django.db import migrations

from agentforge.tenancy.parents import DeleteWithParents


class Migration(migrations.Migration):
    dependencies = [("configs", "0020_skills")]

    operations = [
        DeleteWithParents("configs_knowledgeblob"),
        DeleteWithParents("configs_knowledgefile"),
    ]

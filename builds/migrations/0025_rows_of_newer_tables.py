from django.db import migrations

from agentforge.tenancy.parents import DeleteWithParents


class Migration(migrations.Migration):
    dependencies = [("builds", "0024_newest_of_revision")]

    operations = [
        DeleteWithParents("builds_evaluation"),
        DeleteWithParents("builds_evaluationrun", forget=["build_id"]),
        DeleteWithParents("builds_answerfiles"),
        DeleteWithParents("builds_chatimage"),
    ]

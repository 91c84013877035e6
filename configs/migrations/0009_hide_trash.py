from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity, ReplaceRowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [("configs", "0008_archive_and_trash"), ("tenancy", "0001_roles")]

    operations = [
        # Whoever reads as a user sees nothing of an agent in the trash, nor what is joined with it.
        ReplaceRowLevelSecurity(
            EnableRowLevelSecurity("configs_agentconfig", commands=["select"]),
            EnableRowLevelSecurity("configs_agentconfig", commands=["select"], shown_if="trashed_at IS NULL"),
        ),
    ]

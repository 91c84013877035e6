from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_sign_ins"), ("tenancy", "0001_roles")]

    operations = [
        # Who may be an operator is a column of this table: users read their row and never write it.
        EnableRowLevelSecurity("accounts_user", owner="id", commands=["select"]),
    ]

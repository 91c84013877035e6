from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity


class Migration(migrations.Migration):
    dependencies = [
        ("deployments", "0001_sites_and_deployments"),
        ("tenancy", "0001_roles"),
    ]

    operations = [
        # All of it says what the forge did at a host, and with whose token: users read it, the forge writes it.
        EnableRowLevelSecurity("deployments_connection", commands=["select"]),
        EnableRowLevelSecurity("deployments_site", commands=["select"]),
        EnableRowLevelSecurity("deployments_deployment", commands=["select"]),
    ]

from django.db import migrations

from agentforge.tenancy import roles


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        # The roles and auth.uid() may serve other databases and other tables: they stay when this is undone.
        migrations.RunPython(roles.create, migrations.RunPython.noop),
    ]

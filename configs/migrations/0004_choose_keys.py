from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps
from django.db.models import OuterRef, Subquery


def choose_keys(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Let each agent go on with the one key that its owner had for its provider."""
    keys = apps.get_model("configs", "ApiKey").objects
    held = keys.filter(owner_id=OuterRef("owner_id"), provider=OuterRef("provider"))
    agents = apps.get_model("configs", "AgentConfig").objects.filter(api_key=None)
    agents.update(api_key=Subquery(held.order_by("pk").values("pk")[:1]))


class Migration(migrations.Migration):
    dependencies = [("configs", "0003_named_keys")]

    operations = [migrations.RunPython(choose_keys, migrations.RunPython.noop)]

from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.state import StateApps

NAMES = ("input_digest", "from_cache", "sandbox", "toolchain", "steps", "exit_code", "error", "status",
         "started_at", "finished_at")  # fmt: skip
OF_BUILDS = ("input_digest", "from_cache", "sandbox", "toolchain", "steps", "exit_code", "target")


def forwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give every build the one target that it had."""
    build_target = apps.get_model("builds", "BuildTarget")
    rows = (
        build_target(
            owner_id=build.owner_id,
            build=build,
            target=build.target,
            **{name: getattr(build, name) for name in NAMES},
        )
        for build in apps.get_model("builds", "Build").objects.order_by("pk").iterator()
    )
    build_target.objects.bulk_create(rows, batch_size=1000)


def backwards(apps: StateApps, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """Give every build the facts of its first target."""
    for build in apps.get_model("builds", "Build").objects.iterator():
        row = build.per_target.order_by("pk").first()
        if row is not None:
            for name in OF_BUILDS:
                setattr(build, name, getattr(row, name))
            build.save(update_fields=OF_BUILDS)


class Migration(migrations.Migration):
    dependencies = [("builds", "0004_build_targets")]

    operations = [migrations.RunPython(forwards, backwards)]

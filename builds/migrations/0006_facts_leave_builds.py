from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity, ReplaceRowLevelSecurity


def policies(insert_check: str) -> EnableRowLevelSecurity:
    return EnableRowLevelSecurity(
        "builds_build",
        commands=["select", "insert", "delete"],
        parents={"revision_id": "configs_revision"},
        insert_check=insert_check,
    )


class Migration(migrations.Migration):
    dependencies = [("builds", "0005_facts_to_targets")]

    operations = [
        ReplaceRowLevelSecurity(
            policies("status = 'queued' AND input_digest = '' AND NOT from_cache AND job_id IS NULL"),
            policies("status = 'queued' AND job_id IS NULL"),
        ),
        migrations.RemoveIndex(model_name="build", name="builds_build_input"),
        *(
            migrations.RemoveField(model_name="build", name=name)
            for name in ("target", "input_digest", "from_cache", "sandbox", "toolchain", "steps", "exit_code")
        ),
    ]

from django.db import migrations

from agentforge.tenancy.operations import EnableRowLevelSecurity

# A statement's trigger: it also stops who would have changed no row, and holds for the table's own owner.
_REFUSE = """
CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE TRIGGER audit_keep BEFORE UPDATE OR DELETE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
CREATE TRIGGER audit_keep_all BEFORE TRUNCATE ON audit_auditevent
    FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse();
"""
_ALLOW = """
DROP TRIGGER audit_keep_all ON audit_auditevent;
DROP TRIGGER audit_keep ON audit_auditevent;
DROP FUNCTION audit_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial"), ("tenancy", "0001_roles")]

    operations = [
        EnableRowLevelSecurity("audit_auditevent", commands=["select"]),
        migrations.RunSQL(
            "REVOKE UPDATE, DELETE, TRUNCATE ON audit_auditevent FROM service_role",
            "GRANT UPDATE, DELETE, TRUNCATE ON audit_auditevent TO service_role",
        ),
        migrations.RunSQL(_REFUSE, _ALLOW),
    ]

from django.db import migrations

# The one way for a row to leave the log: a function that only the forge may call, that takes nothing younger
# than 30 days, and that says in the log itself what it took. Whoever sets its mark by hand is still stopped by
# the trigger of each row.
_ALLOW = """
CREATE FUNCTION audit_prune(before timestamptz) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    taken bigint;
BEGIN
    PERFORM set_config('audit.pruning', pg_current_xact_id()::text, true);
    DELETE FROM audit_auditevent WHERE created_at < before;
    GET DIAGNOSTICS taken = ROW_COUNT;
    PERFORM set_config('audit.pruning', '', true);
    RETURN taken;
END
$$;
REVOKE ALL ON FUNCTION audit_prune(timestamptz) FROM PUBLIC, anon, authenticated;
GRANT EXECUTE ON FUNCTION audit_prune(timestamptz) TO service_role;

CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' AND current_setting('audit.pruning', true) = pg_current_xact_id()::text THEN
        RETURN NULL;
    END IF;
    RAISE EXCEPTION 'The audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
CREATE FUNCTION audit_refuse_young() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.created_at > now() - interval '30 days' THEN
        RAISE EXCEPTION 'The audit log keeps what is younger than 30 days'
        USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN OLD;
END
$$;
CREATE TRIGGER audit_keep_young BEFORE DELETE ON audit_auditevent
    FOR EACH ROW EXECUTE FUNCTION audit_refuse_young();
"""
_FORBID = """
DROP TRIGGER audit_keep_young ON audit_auditevent;
DROP FUNCTION audit_refuse_young();
DROP FUNCTION audit_prune(timestamptz);
CREATE OR REPLACE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The audit log is append-only: % is refused', TG_OP USING ERRCODE = 'insufficient_privilege';
END
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_append_only")]

    operations = [migrations.RunSQL(_ALLOW, _FORBID)]

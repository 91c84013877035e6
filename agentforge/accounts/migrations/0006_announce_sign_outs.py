from django.db import migrations

# Whoever may not be signed in any more is named to the processes that hold live streams open, once that is
# committed. As triggers, so that no way to end a session can forget it.
_ANNOUNCE = """
CREATE FUNCTION accounts_announce() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    gone jsonb := to_jsonb(CASE WHEN TG_OP = 'DELETE' THEN OLD ELSE NEW END);
BEGIN
    -- An ending's subject is "user UUID" or "session UUID"; of the other tables a column names the person.
    PERFORM pg_notify('sign_outs', split_part(gone ->> TG_ARGV[0], ' ', TG_ARGV[1]::int));
    RETURN NULL;
END
$$;
CREATE TRIGGER accounts_announce AFTER DELETE ON accounts_signin
    FOR EACH ROW EXECUTE FUNCTION accounts_announce('user_id', '1');
CREATE TRIGGER accounts_announce AFTER DELETE ON accounts_localsession
    FOR EACH ROW EXECUTE FUNCTION accounts_announce('identity_id', '1');
CREATE TRIGGER accounts_announce AFTER INSERT OR UPDATE ON accounts_ending
    FOR EACH ROW EXECUTE FUNCTION accounts_announce('subject', '2');
CREATE TRIGGER accounts_announce AFTER UPDATE ON accounts_user FOR EACH ROW
    WHEN (OLD.is_active AND NOT NEW.is_active OR NEW.has_second_factor AND NOT OLD.has_second_factor)
    EXECUTE FUNCTION accounts_announce('id', '1');
"""
_FORGET = """
DROP TRIGGER accounts_announce ON accounts_user;
DROP TRIGGER accounts_announce ON accounts_ending;
DROP TRIGGER accounts_announce ON accounts_localsession;
DROP TRIGGER accounts_announce ON accounts_signin;
DROP FUNCTION accounts_announce();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_role")]

    operations = [migrations.RunSQL(_ANNOUNCE, _FORGET)]

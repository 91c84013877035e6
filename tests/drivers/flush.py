"""Empty all tables after a test with real transactions, in milliseconds.

Django's own flush truncates each table, writes its content types and permissions anew, and leaves the tables
that it does not manage, the queue's. It takes a tenth of a second.
"""

from __future__ import annotations

import os

import psycopg
from django.db import OperationalError, connection
from django.test import TransactionTestCase

_ATTEMPTS = 3
# Only a superuser skips triggers: the audit log's refuse the deletion, and foreign keys ask for an order.
_FUNCTION = """
CREATE SCHEMA testing;
CREATE FUNCTION testing.empty_tables() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET session_replication_role = replica AS $$
DECLARE
    tables text[];
    name text;
BEGIN
    SELECT array_agg(oid::regclass::text) INTO tables FROM pg_class
    WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r'
    AND relname NOT IN ('django_migrations', 'django_content_type', 'auth_permission');
    -- Another process that is just writing comes first, so that its rows go too.
    EXECUTE 'LOCK ' || array_to_string(tables, ', ');
    FOREACH name IN ARRAY tables LOOP
        EXECUTE 'DELETE FROM ' || name;
    END LOOP;
END
$$;
REVOKE EXECUTE ON FUNCTION testing.empty_tables FROM PUBLIC;
GRANT USAGE ON SCHEMA testing TO forge;
GRANT EXECUTE ON FUNCTION testing.empty_tables TO forge;
"""


def install() -> None:
    """Add the function to the database of this test worker."""
    name = connection.settings_dict["NAME"]
    with psycopg.connect(os.environ["SUPERUSER_URL"], dbname=name) as superuser:
        superuser.execute(_FUNCTION.encode())


def empty_tables(_: TransactionTestCase) -> None:
    """Empty all tables but those whose rows come with the code."""
    for attempts_left in reversed(range(_ATTEMPTS)):
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT testing.empty_tables()")
        except OperationalError as error:
            # Another process that was just reading holds its tables in another order.
            if not attempts_left or not isinstance(error.__cause__, psycopg.errors.DeadlockDetected):
                raise
        else:
            return

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

OWNER_POLICY = "owner"
FORGE_POLICY = "forge"
COMMANDS = ("select", "insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class DeclaredPolicy:
    """A policy's conditions, its roles (empty: the forge's own), and the statement that makes it."""

    roles: tuple[str, ...]
    using: str
    check: str
    statement: str


class PolicyOperation(Operation):
    """An operation that changes the database alone, and nothing of what Django knows about the models."""

    reversible = True
    atomic = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        pass


class EnableRowLevelSecurity(PolicyOperation):
    """Restrict each row of a table to its owner (law 2), in Supabase's way: `auth.uid() = owner`.

    `authenticated` may use `commands` on its own rows: only `select`, because the forge writes (older
    migrations granted more). With `through=(column, table, key)` the owner is that of the row of `table` that
    `column` refers to. For commands that write, `parents` maps further columns to tables whose rows must be
    the user's own as well, and `insert_check` is a further condition on inserted rows. `shown_if` is a
    condition on the rows that users read. The connecting role and `service_role` may do everything, so the
    forge needs neither superuser nor BYPASSRLS. `anon` gets no access.
    """

    def __init__(
        self,
        table: str,
        owner: str = "owner_id",
        *,
        commands: Sequence[str] = COMMANDS,
        through: tuple[str, str, str] | None = None,
        parents: Mapping[str, str] | None = None,
        insert_check: str = "",
        shown_if: str = "",
    ) -> None:
        self.table = table
        self.owner = owner
        self.commands = tuple(commands)
        self.through = through
        self.parents = dict(parents or {})
        self.insert_check = insert_check
        self.shown_if = shown_if

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        for statement in self._statements(schema_editor.quote_name):
            # Without parameters psycopg does not interpret %.
            schema_editor.execute(statement, params=None)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        table = schema_editor.quote_name(self.table)
        for name in (OWNER_POLICY, FORGE_POLICY, *(f"{OWNER_POLICY}_{command}" for command in COMMANDS)):
            schema_editor.execute(f"DROP POLICY IF EXISTS {name} ON {table}")
        schema_editor.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        schema_editor.execute(f"REVOKE ALL ON {table} FROM anon, authenticated, service_role")

    def describe(self) -> str:
        return f"Restrict users to their own rows of {self.table}"

    @property
    def migration_name_fragment(self) -> str:
        return f"{self.table}_row_level_security"

    def grants(self, quote: Any) -> list[str]:
        """Return the statements that grant `authenticated` and `service_role` their privileges."""
        table = quote(self.table)
        to_users = [f"GRANT {command.upper()} ON {table} TO authenticated" for command in self.commands]
        return [f"GRANT ALL ON {table} TO service_role", *to_users]

    def privileges(self) -> set[str]:
        """Return what `grants` grants to users, such as `authenticated SELECT`."""
        return {f"authenticated {command.upper()}" for command in self.commands}

    def _statements(self, quote: Any) -> list[str]:
        table = quote(self.table)
        return [
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
            f"REVOKE ALL ON {table} FROM PUBLIC, anon, authenticated",
            *(policy.statement for policy in self.policies(quote).values()),
            *self.grants(quote),
        ]

    def policies(self, quote: Any) -> dict[str, DeclaredPolicy]:
        """Return the table's policies by name: the forge's, and one for each command of its users."""
        everything = f"CREATE POLICY {FORGE_POLICY} ON {quote(self.table)} TO CURRENT_USER, service_role "
        forge = DeclaredPolicy((), "true", "true", f"{everything}USING (true) WITH CHECK (true)")
        own = {f"{OWNER_POLICY}_{command}": self._policy(command, quote) for command in self.commands}
        return {FORGE_POLICY: forge, **own}

    def _policy(self, command: str, quote: Any) -> DeclaredPolicy:
        own = self._own(quote)
        written = " AND ".join([own, *self._own_parents(quote)])
        inserted = f"{written} AND ({self.insert_check})" if self.insert_check else written
        using = "" if command == "insert" else own
        if command == "select" and self.shown_if:
            using = f"{own} AND ({self.shown_if})"
        check = {"insert": inserted, "update": written}.get(command, "")
        clauses = [f"USING ({using})"] if using else []
        if check:
            clauses.append(f"WITH CHECK ({check})")
        statement = (
            f"CREATE POLICY {OWNER_POLICY}_{command} ON {quote(self.table)} FOR {command.upper()} "
            f"TO authenticated {' '.join(clauses)}"
        )
        return DeclaredPolicy(("authenticated",), using, check, statement)

    def _own(self, quote: Any) -> str:
        # As a subquery, auth.uid() is evaluated once per statement, not once per row.
        owner = f"{quote(self.owner)} = (SELECT auth.uid())"
        if self.through is None:
            return owner
        column, table, key = self.through
        return f"{quote(column)} IN (SELECT {quote(key)} FROM {quote(table)} WHERE {owner})"

    def _own_parents(self, quote: Any) -> list[str]:
        return [
            f"({quote(column)} IS NULL OR {quote(column)} IN "
            f"(SELECT p.id FROM {quote(table)} p WHERE p.owner_id = (SELECT auth.uid())))"
            for column, table in self.parents.items()
        ]


class ReplaceRowLevelSecurity(PolicyOperation):
    """Replace a table's policies, when a column that they name is added or removed."""

    def __init__(self, before: EnableRowLevelSecurity, after: EnableRowLevelSecurity) -> None:
        self.before = before
        self.after = after

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.before.database_backwards(app_label, schema_editor, from_state, to_state)
        self.after.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self.after.database_backwards(app_label, schema_editor, from_state, to_state)
        self.before.database_forwards(app_label, schema_editor, from_state, to_state)

    def describe(self) -> str:
        return f"Change the policies of {self.after.table}"

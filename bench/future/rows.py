"""The rows of a large installation: a month of builds, in portions that each spread over all of it.

A portion has every hundredth or tenth build of the month, so that keys, times and owners are distributed as
in the whole. Of a hundred revisions one is alice's, all of them of one agent; the other people have equal
shares. People, agents, revisions and sites are all there from the first portion.
"""

from __future__ import annotations

import json

import psycopg

BUILDS, LINES = 1_000_000, 1_000_000_000
PEOPLE, AGENTS, REVISIONS, SITES = 10_000, 20_000, 25_000, 1_000
CHUNKS = 10
LINES_A_BUILD = LINES // BUILDS
# Longer than files, logs and chats are kept: as much is due as after six hours without workers.
DAYS_KEPT, DAYS = 30, 30.25
# The keys of rows that nobody made through a page.
_FIRST = 10_000_000

_PERSON = f"md5('person-' || n % {PEOPLE})::uuid"
_DOCUMENT = "replace(template.canonical_json, '\"ada\"', '\"ada-' || n || '\"')"
# How many, and the fields in which they differ from the first.
_STANDING = {
    "accounts_user": (PEOPLE, f"'id', {_PERSON}, 'email', 'person-' || n || '@example.com'"),
    "configs_agentconfig": (
        AGENTS,
        f"'id', {_FIRST} + n, 'owner_id', {_PERSON}, 'name', 'Agent ' || n, 'handle', 'agent-' || n",
    ),
    "deployments_site": (
        SITES,
        f"'id', {_FIRST} + n, 'owner_id', {_PERSON}, 'agent_id', {_FIRST} + n, 'remote_id', 'site-' || n",
    ),
    "configs_revision": (
        REVISIONS,
        f"""'id', {_FIRST} + n, 'number', n + 10, 'canonical_json', {_DOCUMENT},
        'sha256', encode(sha256(convert_to({_DOCUMENT}, 'UTF8')), 'hex'),
        'owner_id', CASE n % 100 WHEN 0 THEN template.owner_id ELSE {_PERSON} END,
        'agent_id', CASE n % 100 WHEN 0 THEN template.agent_id ELSE {_FIRST} + n % {AGENTS} END""",
    ),
}
# How many a build has, and the fields in which they differ.
_OWNER = "'owner_id', build.owner_id"
_GROWING = {
    "builds_build": (
        1,
        f"""'id', n, {_OWNER}, 'revision_id', build.revision_id, 'turn', n, 'created_at', at,
        'started_at', at, 'finished_at', at, 'expires_at', at + interval '{DAYS_KEPT} days',
        'job_id', n * 3, 'status', CASE hashint8(n) % 20 WHEN 0 THEN 'failed' ELSE 'succeeded' END""",
    ),
    "builds_buildtarget": (
        1,
        f"""'id', n, {_OWNER}, 'build_id', n, 'input_digest', md5(n::text), 'started_at', at,
        'finished_at', at + interval '1 second'""",
    ),
    "builds_storedfile": (1, "'sha256', md5(n::text) || md5(n::text), 'used_at', at"),
    "builds_artifact": (
        4,
        f"""'id', n * 4 + k, {_OWNER}, 'build_id', n, 'name', 'file-' || k, 'created_at', at, 'sha256',
        CASE k WHEN 0 THEN md5(n::text) || md5(n::text)
        ELSE md5(build.revision_id::text) || md5(k::text) END""",
    ),
    "live_stream": (
        1,
        f"'name', 'build-' || n, {_OWNER}, 'last_seq', {LINES_A_BUILD}, 'created_at', at, 'closed_at', at",
    ),
    "audit_auditevent": (
        3,
        f"'id', n * 3 + k, {_OWNER}, 'actor_id', build.owner_id, 'subject_id', n::text, 'created_at', at",
    ),
    "builds_conversation": (
        1,
        f"'id', n, {_OWNER}, 'agent_id', build.agent_id, 'created_at', at, 'active_at', at",
    ),
    "builds_chatmessage": (
        4,
        f"""'id', n * 4 + k, {_OWNER}, 'agent_id', build.agent_id, 'conversation_id', n, 'created_at', at,
        'finished_at', at, 'role', CASE k % 2 WHEN 0 THEN 'user' ELSE 'assistant' END""",
    ),
    "deployments_deployment": (
        1,
        f"""'id', n, {_OWNER}, 'build_id', n, 'revision_id', build.revision_id, 'title', 'deploy-' || n,
        'created_at', at, 'finished_at', at,
        'site_id', CASE WHEN build.agent_id < {_FIRST} THEN template.site_id
        ELSE {_FIRST} + build.agent_id % {SITES} END""",
    ),
    # As long as they are kept; a build has one, and what goes with it about two.
    "procrastinate_jobs": (3, "'id', n * 3 + k, 'status', 'succeeded', 'queueing_lock', NULL"),
    "procrastinate_events": (9, "'id', n * 9 + k, 'job_id', n * 3 + k / 3, 'at', build.at"),
}
_ONLY = {
    "deployments_deployment": "n % 20 = 0",
    "procrastinate_jobs": "build.at > now() - interval '1 day'",
    "procrastinate_events": "build.at > now() - interval '1 day'",
}
GROWING = (*_GROWING, "live_chunk")

_PORTION = """
CREATE TEMPORARY TABLE portion AS
SELECT n, now() - interval '1 day' * %(days)s * (1 - n / %(builds)s::numeric) AS at,
    revision.id AS revision_id, revision.owner_id, revision.agent_id
FROM generate_series(%(step)s, %(builds)s, %(step)s) AS n
JOIN configs_revision AS revision
    ON revision.id = %(first)s + n * %(revisions)s::bigint / %(builds)s %% %(revisions)s
WHERE n %% %(done)s <> 0
"""
_COPIES = """
INSERT INTO {table} SELECT made.*
FROM templates.{table} AS template
CROSS JOIN LATERAL (SELECT n::bigint FROM generate_series(0, {number} - 1) AS n) AS numbered
CROSS JOIN LATERAL jsonb_populate_record(
    NULL::{table}, to_jsonb(template) || jsonb_build_object({fields})
) AS made
"""
_ROWS = """
INSERT INTO {table} SELECT made.*
FROM templates.{table} AS template CROSS JOIN portion AS build
CROSS JOIN generate_series(0, {copies} - 1) AS k
CROSS JOIN LATERAL jsonb_populate_record(
    NULL::{table}, to_jsonb(template) || jsonb_build_object({fields})
) AS made
WHERE {only}
"""
# The text stays packed, as it is in the template.
_CHUNKS = """
INSERT INTO live_chunk (id, stream_id, first_seq, last_seq, data, created_at)
SELECT n * %(chunks)s + k, 'build-' || n, k * %(lines)s + 1, (k + 1) * %(lines)s, template.data, at
FROM templates.live_chunk AS template CROSS JOIN portion CROSS JOIN generate_series(0, %(chunks)s - 1) AS k
"""
_TEMPLATE = """
CREATE TABLE templates.{table} (LIKE {table});
INSERT INTO templates.{table} SELECT * FROM {table} LIMIT 1
"""
_SEQUENCES = """
SELECT setval(pg_get_serial_sequence(c.oid::regclass::text, 'id'), {last})
FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'id' AND a.attidentity <> ''
WHERE c.relname = ANY(%s) AND c.relkind = 'r'
"""


def chunk_data() -> str:
    """Return the text of a chunk as the compiler's output has it."""
    lines = [
        {"t": 1.0 + n / 1000, "kind": "line", "stream": "out", "text": f"internal/runtime/atomic{n % 7}"}
        for n in range(LINES_A_BUILD // CHUNKS)
    ]
    return ",".join(map(json.dumps, lines))


def keep_templates(superuser: psycopg.Connection) -> None:
    """Keep the first row of each table, from which the others are made, and add what stays as it is."""
    superuser.execute("CREATE SCHEMA templates")
    with superuser.transaction():
        superuser.execute("SET LOCAL session_replication_role = replica")
        for table in (*_STANDING, *GROWING):
            superuser.execute(_TEMPLATE.format(table=table).encode())
            if not superuser.execute(f"TABLE templates.{table}".encode()).fetchall():
                raise SystemExit(f"{table} has no row to make others from.")
        superuser.execute("UPDATE templates.live_chunk SET data = %s", [chunk_data()])
        for table, (number, fields) in _STANDING.items():
            superuser.execute(_COPIES.format(table=table, number=number, fields=fields).encode())
        # What the product adds has its keys after all of these.
        superuser.execute(_SEQUENCES.format(last=20 * BUILDS).encode(), [list(GROWING)])


def add_portion(superuser: psycopg.Connection, builds: int, done: int) -> None:
    """Add rows until there are `builds` builds where there were `done`; then update the statistics."""
    given = {
        **{"builds": BUILDS, "revisions": REVISIONS, "days": DAYS, "first": _FIRST},
        **{"step": BUILDS // builds, "done": BUILDS // done if done else 2 * BUILDS},
    }
    with superuser.transaction():
        # The rows are consistent; checking each would take longer than writing it.
        superuser.execute("SET LOCAL session_replication_role = replica")
        superuser.execute("SET LOCAL statement_timeout = 0")
        superuser.execute(_PORTION.encode(), given)
        for table, (copies, fields) in _GROWING.items():
            only = _ONLY.get(table, "true")
            superuser.execute(_ROWS.format(table=table, copies=copies, fields=fields, only=only).encode())
        superuser.execute(_CHUNKS.encode(), {"chunks": CHUNKS, "lines": LINES_A_BUILD // CHUNKS})
        superuser.execute("DROP TABLE portion")
    superuser.execute("SET statement_timeout = 0")
    superuser.execute("VACUUM ANALYZE")

"""Run the whole forge on this machine: `python -m agentforge.launch`, as called by `make run`."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import psycopg
from environ import ImproperlyConfigured
from honcho.environ import parse_procfile

from agentforge import formats, local_model, model_servers, private_directory, shared_secrets
from agentforge.machines import existing_data
from agentforge.tenancy import embedded, notifications

from . import options, ports, readiness, schema
from .forks import ForkServer, adopt_orphans
from .instance import AlreadyRunning, Record
from .output import JsonOutput, TextOutput
from .postgres import PrivatePostgres
from .supervisor import PATIENCE, Program, Supervisor

USUAL_MODEL_PORT = 8011
OPTIONAL = {"model"}
# A builder only compiles.
_OF_A_BUILDER = ("web", "worker")


class CannotStart(Exception):
    """The forge can't start; the message says how to fix it."""


def main() -> int:
    # Before anything that a fork must not have: a thread, a lock, a connection.
    fork_server = ForkServer() if adopt_orphans() else None
    try:
        return run(_options(), fork_server)
    except CannotStart as reason:
        print(reason, file=sys.stderr)
    except embedded.DidNotStart as failure:
        print(failure, file=sys.stderr)
    except subprocess.CalledProcessError as failure:
        print(f"This step failed: {failure}. Its output is above.", file=sys.stderr)
    except KeyboardInterrupt:
        return 130
    return 1


def _options() -> options.Options:
    try:
        chosen = options.read()
        local_model.verify(chosen.local_model)
    except ImproperlyConfigured as reason:
        raise CannotStart(f"A setting can't be read: {reason}") from None
    except local_model.NoModel as reason:
        raise CannotStart(str(reason)) from None
    if chosen.local_model.weights and chosen.local_model_url:
        raise CannotStart("LOCAL_MODEL names a file and LOCAL_MODEL_URL a server: set only one of them.")
    return chosen


def run(chosen: options.Options, fork_server: ForkServer | None) -> int:
    """Start everything, supervise it, and return the exit code; raises CannotStart."""
    started = time.monotonic()
    record = _claim(chosen)
    postgres = None if chosen.database_url else _start_postgres(chosen)
    url = chosen.database_url or (postgres.url if postgres else "")
    model_port = _model_port(chosen)
    servers = _model_servers(chosen, model_port)
    env = options.environment(chosen, model_port, servers)
    _prepare(chosen, url, env)
    supervisor = Supervisor(
        _programs(chosen),
        env=env,
        record=record.write,
        json_lines=chosen.json_lines,
        var_dir=chosen.var_dir,
        forks=fork_server,
    )
    ended = threading.Event()
    threading.Thread(target=_announce, args=(chosen, supervisor, ended, started), daemon=True).start()
    if postgres:
        supervisor.guard()
        _keep_alive(postgres, supervisor, ended)
    if "MAKELEVEL" in os.environ:
        supervisor.stop_with(os.getppid())
    try:
        return supervisor.run()
    finally:
        ended.set()


def _say(chosen: options.Options, text: str) -> None:
    """Print a line before there is a supervisor to do it."""
    (JsonOutput() if chosen.json_lines else TextOutput(width=0)).own(text)


def _claim(chosen: options.Options) -> Record:
    try:
        private_directory.protect(chosen.var_dir, with_postgres=not chosen.database_url)
        record = Record(chosen.var_dir)
        record.claim(chosen.url)
    except ImproperlyConfigured as reason:
        raise CannotStart(f"A setting can't be read: {reason}") from None
    except AlreadyRunning as holder:
        raise CannotStart(f"AgentForge already runs from this directory ({holder}).") from None
    except PermissionError as refused:
        raise CannotStart(
            f"{chosen.var_dir} belongs to another user ({refused}). Run as that user, or choose another "
            "directory: AGENTFORGE_VAR=… make run"
        ) from None
    if left := record.end_leftovers(PATIENCE):
        _say(chosen, f"Stopped processes left behind by an interrupted run: {', '.join(left)}.")
    if not ports.is_free(chosen.host, chosen.port):
        free = ports.next_free(chosen.host, chosen.port)
        raise CannotStart(
            f"Port {chosen.port} is taken by {ports.holder(chosen.port)}; run PORT={free} make run"
        )
    return record


def _start_postgres(chosen: options.Options) -> PrivatePostgres:
    data_dir = chosen.var_dir / "postgres"
    if not data_dir.exists():
        _say(chosen, "Creating the database in var/postgres.")
    return PrivatePostgres(data_dir)


def _model_port(chosen: options.Options) -> int:
    if chosen.model_port is not None:
        return chosen.model_port
    if ports.is_free("127.0.0.1", USUAL_MODEL_PORT):
        return USUAL_MODEL_PORT
    return ports.next_free("127.0.0.1", USUAL_MODEL_PORT)


def _model_servers(chosen: options.Options, model_port: int) -> list[model_servers.ModelServer]:
    """Return where other programs of this machine may serve models, and print those that do."""
    own_ports = {chosen.port, model_port}
    servers = [server for server in chosen.model_servers if server.port not in own_ports]
    if chosen.is_builder:
        return []
    for server, models in model_servers.find(servers):
        offered = formats.counted(len(models), "model")
        _say(chosen, f"Found {model_servers.LABELS[server.code]} at {server.url}, with {offered}.")
    return servers


def _prepare(chosen: options.Options, url: str, env: dict[str, str]) -> None:
    if chosen.database_url:
        _try_database(url)
    _verify_secrets(chosen, url)
    marker = chosen.var_dir / "run" / "migrated.json"
    if not schema.are_current(url, chosen.database_schema, marker):
        _say(chosen, "Migrating the database.")
        schema.migrate(url, chosen.database_schema, marker, env)
    schema.collect_static_files(chosen.var_dir / "static", env)


def _try_database(url: str) -> None:
    try:
        notifications.verify(url)
    except notifications.NotificationLost as reason:
        raise CannotStart(str(reason)) from None
    except psycopg.OperationalError as error:
        raise CannotStart(f"The database does not answer. Check DATABASE_URL. {error}") from None
    if problem := schema.role_problem(url):
        raise CannotStart(problem)


def _verify_secrets(chosen: options.Options, url: str) -> None:
    """Refuse to start without a secret that the database's forge has: each program would refuse by itself."""
    for secret in shared_secrets.TABLE:
        if os.environ.get(secret.variable) or secret.stored(chosen.var_dir):
            continue
        try:
            existing_data.verify_new(secret, url, chosen.database_schema)
        except existing_data.SecretMissing as reason:
            raise CannotStart(str(reason)) from None


def _programs(chosen: options.Options) -> list[Program]:
    lines = parse_procfile((options.BASE_DIR / "Procfile").read_text()).processes
    if not chosen.local_model.is_served or chosen.local_model_url:
        lines.pop("model", None)
    if chosen.is_builder:
        lines = {name: lines[name] for name in _OF_A_BUILDER}
    return [Program(name, command, optional=name in OPTIONAL) for name, command in lines.items()]


def _announce(
    chosen: options.Options, supervisor: Supervisor, ended: threading.Event, started: float
) -> None:
    header = readiness.host_header(chosen.allowed_hosts)
    if readiness.wait_until_healthy(chosen.host, chosen.port, host_header=header, ended=ended):
        supervisor.start_rest(f"AgentForge is ready after {time.monotonic() - started:.1f} s: {chosen.url}")
    elif not ended.is_set():
        supervisor.log(f"The web server did not become healthy within {readiness.LIMIT:.0f} s.")
        supervisor.stop(1)


def _keep_alive(postgres: PrivatePostgres, supervisor: Supervisor, ended: threading.Event) -> None:
    def died() -> None:
        if ended.is_set():
            return
        supervisor.log("PostgreSQL exited; restarting it.")
        try:
            postgres.restart()
        except embedded.DidNotStart as failure:
            supervisor.log(str(failure))
            supervisor.stop(1)
        else:
            supervisor.log("PostgreSQL is running again.")
            postgres.watch(died)

    postgres.watch(died)


if __name__ == "__main__":
    sys.exit(main())

"""The launcher's options, from the environment and `.env`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from agentforge import child_environment
from agentforge.environment import LOG_FORMATS, Environment
from agentforge.local_model import LocalModel
from agentforge.model_servers import ModelServer, text
from agentforge.tenancy import database

BASE_DIR = Path(__file__).resolve().parent.parent.parent


@dataclass(frozen=True)
class Options:
    host: str
    port: int
    var_dir: Path
    database_url: str  # empty: use the private server
    database_schema: str  # empty: the URL says where the tables are
    debug: bool
    allowed_hosts: list[str]
    local_model: LocalModel
    local_model_url: str  # empty: the launcher starts one
    # Where to look for other programs that serve models.
    model_servers: tuple[ModelServer, ...]
    model_port: int | None  # None: 8011, or the next free one
    is_builder: bool
    # LOG_FORMAT is json.
    json_lines: bool

    @property
    def url(self) -> str:
        """The URL to open in a browser."""
        host = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::", "::1"} else self.host  # noqa: S104 - compared, not bound
        return f"http://{host}:{self.port}"


def read() -> Options:
    """Return the options; raises environ.ImproperlyConfigured for invalid values."""
    env = Environment()
    env.read_env(BASE_DIR / ".env")
    database_url = env.str("DATABASE_URL", default="")
    debug = env.bool("DEBUG", default=True)
    return Options(
        host=env.str("AGENTFORGE_HOST", default="127.0.0.1"),
        port=env.int("PORT", default=8000),
        var_dir=Path(env.str("AGENTFORGE_VAR", default=str(BASE_DIR / "var"))).resolve(),
        database_url=database_url,
        database_schema=database.own_schema(database_url, env.str("DATABASE_SCHEMA", default="")),
        debug=debug,
        allowed_hosts=env.list("ALLOWED_HOSTS", default=[]),
        local_model=env.local_model("LOCAL_MODEL"),
        local_model_url=env.str("LOCAL_MODEL_URL", default=""),
        # Of one's own machine the usual places; on a server only what the operator asks for.
        model_servers=env.model_servers("LOCAL_MODEL_SERVERS", default=debug),
        model_port=env.int("MODEL_PORT", default=None),
        is_builder=env.str("AGENTFORGE_ROLE", default="forge") == "builder",
        json_lines=env.choice("LOG_FORMAT", choices=LOG_FORMATS, default=LOG_FORMATS[0]) == "json",
    )


def environment(options: Options, model_port: int, servers: Iterable[ModelServer]) -> dict[str, str]:
    """Return the environment for the supervised programs, which look for these model servers."""
    own = {
        "AGENTFORGE_HOST": options.host,
        "PORT": str(options.port),
        "MODEL_PORT": str(model_port),
        "LOCAL_MODEL_SERVERS": text(servers),
    }
    if options.local_model.is_served and not options.local_model_url:
        own["LOCAL_MODEL_URL"] = f"http://127.0.0.1:{model_port}/v1"
    return child_environment.for_programs(**own)

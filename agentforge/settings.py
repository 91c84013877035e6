"""AgentForge's settings, read from the environment; docs/settings.md documents each variable."""

from __future__ import annotations

import sys
from pathlib import Path

from . import artifact_storage, private_directory, static_files
from .environment import LOG_FORMATS, Environment, Network
from .machines import existing_data
from .model_servers import ModelServer
from .telemetry.jobs import log_job
from .tenancy import database, embedded

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(env.str("AGENTFORGE_VAR", default=str(BASE_DIR / "var"))).resolve()
private_directory.protect(VAR_DIR, with_postgres=not env.str("DATABASE_URL", default=""))

DEBUG = env.bool("DEBUG", default=True)
ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[])

INSTALLED_APPS = [
    "agentforge.administration.apps.AdministrationConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    # Before procrastinate, whose command the first two extend.
    "agentforge.queue",
    "agentforge.machines",
    "procrastinate.contrib.django",
    "django_htmx",
    "django_eventstream",
    "agentforge.accounts",
    "agentforge.audit",
    "agentforge.telemetry.apps.TelemetryConfig",
    "agentforge.tenancy",
    "agentforge.live",
    "agentforge.launch",
    "agentforge.backup",
    "configs",
    "builds",
    "builds.remote",
    "builds.builder",
    "deployments",
]

MIDDLEWARE = [
    # Outermost, so that the calls of all others are made in its room.
    "agentforge.stack_room.stack_room",
    "agentforge.telemetry.requests.RequestIdMiddleware",
    # Outermost but for the lines above: middleware outside of it must not use a connection.
    "agentforge.tenancy.connections.GiveBackMiddleware",
    "agentforge.probe_hosts.ProbeHostMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "agentforge.compression.TextCompressionMiddleware",
    "agentforge.content_policy.ContentPolicyMiddleware",
    "agentforge.problems.ProblemMiddleware",
    "agentforge.error_pages.ErrorPageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "agentforge.accounts.middleware.IdentityMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "agentforge.openapi.methods.MethodMiddleware",
    "agentforge.accounts.api_tokens.ApiTokenMiddleware",
    "agentforge.accounts.second_factor.SecondFactorMiddleware",
    "agentforge.accounts.password_choice.PasswordChoiceMiddleware",
    # Outside the request's transaction: the count must not stay locked while a key is tested.
    "agentforge.accounts.throttling.rate_limits.RateLimitMiddleware",
    "agentforge.accounts.throttling.acts.ActMiddleware",
    "agentforge.accounts.throttling.shares.ShareMiddleware",
    # Second to last: the middleware before it (sessions, identity) acts as the service, not as the user.
    "agentforge.tenancy.middleware.TenancyMiddleware",
    "agentforge.accounts.middleware.LoginRequiredMiddleware",
]

# `forge` runs everything; `builder` only compiles for a forge: docs/builder.md.
AGENTFORGE_ROLE: str = env.str("AGENTFORGE_ROLE", default="forge")
ROOT_URLCONF = "builds.builder.urls" if AGENTFORGE_ROLE == "builder" else "agentforge.urls"
DEFAULT_EXCEPTION_REPORTER = "agentforge.error_pages.OwnPages"
ASGI_APPLICATION = "agentforge.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "builds.context_processors.running_work",
                "builds.context_processors.go_readiness",
            ],
        },
    }
]
FORM_RENDERER = "agentforge.form_renderer.FormRenderer"

DATABASE_URL: str = env.str("DATABASE_URL", default="") or embedded.database_url(VAR_DIR / "postgres")
# The schema of a new installation: tenancy/search_path.py.
DATABASE_SCHEMA: str = env.str("DATABASE_SCHEMA", default="")
DATABASES = {
    "default": database.parse(
        DATABASE_URL, pool_size=env.int("DATABASE_POOL", default=12), schema=DATABASE_SCHEMA
    )
}
# As the variable gives it; the key itself may come from var/secrets/django.
SECRET_KEY_GIVEN: str = env.str("SECRET_KEY", default="")
SECRET_KEY = SECRET_KEY_GIVEN or existing_data.session_key(
    VAR_DIR, DATABASE_URL, DATABASES["default"]["SCHEMA"], restores=sys.argv[1:2] == ["restore"]
)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "accounts.User"

SESSION_ENGINE = "agentforge.accounts.sessions.store"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Outside DEBUG, pages are served over TLS only; a TLS-terminating proxy sets X-Forwarded-Proto.
SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
SECURE_REDIRECT_EXEMPT = [r"^(livez|healthz|readyz(/workers(/[\w-]+)?)?|metrics)$"]
SECURE_HSTS_SECONDS = env.int("SECURE_HSTS_SECONDS", default=0 if DEBUG else 31_536_000)
# Off: they bind subdomains that others may run, and browsers remember them for long.
SECURE_HSTS_INCLUDE_SUBDOMAINS = env.bool("SECURE_HSTS_INCLUDE_SUBDOMAINS", default=False)
SECURE_HSTS_PRELOAD = env.bool("SECURE_HSTS_PRELOAD", default=False)
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
LOGIN_URL = "accounts:sign_in"
LOGIN_REDIRECT_URL = "configs:list"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 10},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
# A Supabase project as the identity service; if unset, the local one. The key is the anon or publishable one.
SUPABASE_URL: str = env.str("SUPABASE_URL", default="").rstrip("/")
SUPABASE_ANON_KEY: str = env.str("SUPABASE_ANON_KEY", default="")
# The `iss` claim if it differs from the URL (a custom domain), and the secret of a project that signs HS256.
SUPABASE_JWT_ISSUER: str = env.str("SUPABASE_JWT_ISSUER", default="")
SUPABASE_JWT_SECRET: str = env.str("SUPABASE_JWT_SECRET", default="")
SUPABASE_OAUTH_PROVIDERS: list[str] = env.list("SUPABASE_OAUTH_PROVIDERS", default=[])
# Whether anonymous users, and users with a phone number only, may use the forge.
SUPABASE_USERS_WITHOUT_EMAIL: bool = env.bool("SUPABASE_USERS_WITHOUT_EMAIL", default=False)
SUPABASE_TIMEOUT: float = env.float("SUPABASE_TIMEOUT", default=5.0)
# Names each person's network address to Supabase Auth, for its limits; this needs SUPABASE_SERVICE_KEY.
SUPABASE_FORWARD_ADDRESSES: bool = env.bool("SUPABASE_FORWARD_ADDRESSES", default=False)
# Regular expressions of the paths that require the second factor of users who enrolled one: the vault,
# account changes, and the administration.
SECOND_FACTOR_PATHS: list[str] = env.list(
    "SECOND_FACTOR_PATHS",
    default=[
        r"^/agents/\d+/keys/",
        r"^/agents/\d+/deploy/(connect|authorize|disconnect)/",
        r"^/keys/",
        r"^/accounts/(password|email|identities|tokens|delete|export)/",
        r"^/admin/",
    ],
)
# The acts that require it, whatever path leads to them: accounts/throttling/acts.py.
SECOND_FACTOR_ACTS: list[str] = env.list(
    "SECOND_FACTOR_ACTS", default=["account", "chats", "deployments", "hosts", "keys"]
)
# The `iss` claim of the local identity service's tokens, and whether it may run outside DEBUG.
LOCAL_ISSUER: str = env.str("AGENTFORGE_LOCAL_ISSUER", default="urn:agentforge:identity")
LOCAL_IDENTITY_ALLOWED: bool = env.bool("AGENTFORGE_LOCAL_IDENTITY", default=DEBUG)
# How the local identity service's mails are sent; by default they are printed.
EMAIL_URL: str = env.str("EMAIL_URL", default="consolemail://")
globals().update(env.email_url_config(EMAIL_URL))
DEFAULT_FROM_EMAIL: str = env.str("EMAIL_FROM", default="AgentForge <forge@localhost>")
EMAIL_TIMEOUT = 10
# How long a visitor may try the forge without an account (0: not at all), and how many may at once.
GUEST_MINUTES: int = env.int("GUEST_MINUTES", default=60 if DEBUG and not SUPABASE_URL else 0)
MOST_GUESTS: int = env.int("MOST_GUESTS", default=20)
MOST_GUESTS_PER_ADDRESS: int = env.int("MOST_GUESTS_PER_ADDRESS", default=4)
# Audit events older than this many days may be pruned; 0: never.
AUDIT_KEEP_DAYS: int = env.int("AUDIT_KEEP_DAYS", default=730)
# The number of reverse proxies in front, each of which appends to X-Forwarded-For.
TRUSTED_PROXIES: int = env.int("TRUSTED_PROXIES", default=0)
if TRUSTED_PROXIES:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# Limits per user within ten minutes; 0: unlimited. See accounts/throttling/rate_limits.py.
RATE_LIMITS: dict[str, int] = {
    "builds": env.int("RATE_LIMIT_BUILDS", default=30),
    "messages": env.int("RATE_LIMIT_MESSAGES", default=60),
    "key tests": env.int("RATE_LIMIT_KEY_TESTS", default=20),
    "deployments": env.int("RATE_LIMIT_DEPLOYMENTS", default=20),
    "host requests": env.int("RATE_LIMIT_HOST_REQUESTS", default=60),
    "searches": env.int("RATE_LIMIT_SEARCHES", default=300),
}

# Limits of a build log; beyond them only the last lines are kept: builds/logs/quota.py.
BUILD_LOG_LINES: int = env.int("BUILD_LOG_LINES", default=500_000)
BUILD_LOG_MB: int = env.int("BUILD_LOG_MB", default=64)
BUILD_LOG_TAIL: int = env.int("BUILD_LOG_TAIL", default=1000)

# The most queued builds, and the most running builds, of one user; 0: unlimited.
MOST_QUEUED_BUILDS: int = env.int("MOST_QUEUED_BUILDS", default=200)
MOST_RUNNING_BUILDS: int = env.int("MOST_RUNNING_BUILDS", default=16)
# The most megabytes (of a million bytes): of one file of an agent, of the texts of all its files, and of all
# files and texts of one user.
MOST_KNOWLEDGE_FILE_MB: int = env.int("MOST_KNOWLEDGE_FILE_MB", default=25)
MOST_KNOWLEDGE_AGENT_MB: int = env.int("MOST_KNOWLEDGE_AGENT_MB", default=50)
MOST_KNOWLEDGE_MB: int = env.int("MOST_KNOWLEDGE_MB", default=250)
# The most megabytes of images and files in all chats of one user.
MOST_CHAT_FILES_MB: int = env.int("MOST_CHAT_FILES_MB", default=250)
# The most answers, checks (of drafts and keys), deployments and verifications of one user that run at once;
# 0: unlimited.
MOST_RUNNING_CHATS: int = env.int("MOST_RUNNING_CHATS", default=3)
MOST_RUNNING_CHECKS: int = env.int("MOST_RUNNING_CHECKS", default=2)
MOST_RUNNING_DEPLOYMENTS: int = env.int("MOST_RUNNING_DEPLOYMENTS", default=3)
MOST_RUNNING_VERIFICATIONS: int = env.int("MOST_RUNNING_VERIFICATIONS", default=1)
MOST_RUNNING_EVALUATIONS: int = env.int("MOST_RUNNING_EVALUATIONS", default=1)
# Concurrent jobs of each kind of worker; the Procfile reads them too.
WORKER_CONCURRENCY: int = env.int("WORKER_CONCURRENCY", default=4)
CHAT_CONCURRENCY: int = env.int("CHAT_CONCURRENCY", default=16)
DEPLOY_CONCURRENCY: int = env.int("DEPLOY_CONCURRENCY", default=8)
CHECK_CONCURRENCY: int = env.int("CHECK_CONCURRENCY", default=8)
WEB_PROCESSES: int = env.int("WEB_PROCESSES", default=1)

# A forge's remote builders, in order of preference: [{"name": …, "url": …, "secret": …}].
AGENTFORGE_BUILDERS: list[dict[str, str]] = env.json("AGENTFORGE_BUILDERS", default=[])
# They get builds that take the local compiler longer than this many seconds, or that find more than this many
# builds waiting (0: never). A builder that is silent for this many seconds is given up.
AGENTFORGE_LOCAL_SECONDS: float = env.float("AGENTFORGE_LOCAL_SECONDS", default=30.0)
AGENTFORGE_LOCAL_QUEUE: int = env.int("AGENTFORGE_LOCAL_QUEUE", default=8)
AGENTFORGE_BUILDER_PATIENCE: float = env.float("AGENTFORGE_BUILDER_PATIENCE", default=60.0)
# On a builder: the forge that it works for, and their shared secret.
AGENTFORGE_FORGE_URL: str = env.str("AGENTFORGE_FORGE_URL", default="").rstrip("/")
AGENTFORGE_BUILDER_SECRET: str = env.str("AGENTFORGE_BUILDER_SECRET", default="")

# The password of /metrics; if unset, it answers this machine only.
METRICS_TOKEN: str = env.str("METRICS_TOKEN", default="")
# Networks whose probes may name the forge by an address: this machine and private ones.
PROBE_NETWORKS: list[Network] = env.networks(
    "PROBE_NETWORKS",
    default=(
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
        *("::1/128", "fc00::/7", "fe80::/10"),
    ),
)

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True

# A live stream sends a comment after this many quiet seconds, so that proxies keep the connection.
LIVE_KEEP_ALIVE_SECONDS: float = env.float("LIVE_KEEP_ALIVE_SECONDS", default=20.0)
# The most live streams of one user per web process (a network address: five times as many), and the most
# connections of a network address, which only count without a proxy in front; 0: unlimited.
MOST_STREAMS_PER_PERSON: int = env.int("MOST_STREAMS_PER_PERSON", default=64)
MOST_CONNECTIONS_PER_ADDRESS: int = env.int("MOST_CONNECTIONS_PER_ADDRESS", default=512)
# How long a request's headers and body may take (a body one second more for each 4 KB), and how long a
# connection may wait for its next request.
HTTP_HEADER_SECONDS: float = env.float("HTTP_HEADER_SECONDS", default=15.0)
HTTP_BODY_SECONDS: float = env.float("HTTP_BODY_SECONDS", default=30.0)
HTTP_IDLE_SECONDS: float = env.float("HTTP_IDLE_SECONDS", default=60.0)
# A client that reads nothing for this many seconds is disconnected.
LIVE_STALL_SECONDS: float = env.float("LIVE_STALL_SECONDS", default=60.0)
EVENTSTREAM_STORAGE_CLASS = "agentforge.live.eventstream.ChunkStorage"
EVENTSTREAM_CHANNELMANAGER_CLASS = "agentforge.live.eventstream.OwnersChannels"

# text or json, to standard error; in text, the supervisor adds the process name and the time.
LOG_FORMAT: str = env.choice("LOG_FORMAT", choices=LOG_FORMATS, default=LOG_FORMATS[0])
ACCESS_LOG: bool = env.bool("ACCESS_LOG", default=True)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "text": {"()": "agentforge.telemetry.log_formats.TextFormatter"},
        "json": {"()": "agentforge.telemetry.log_formats.JsonFormatter"},
    },
    "filters": {"context": {"()": "agentforge.telemetry.log_formats.ContextFilter"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["context"]}
    },
    "root": {"handlers": ["console"], "level": "WARNING"},
    "loggers": {
        # Without Django's own handler, which would print every line twice.
        "django": {"handlers": [], "level": "WARNING"},
        # The access log has every status, and error_pages each 500's traceback with the id that it shows.
        "django.request": {"level": "CRITICAL"},
        **{name: {"level": "INFO"} for name in ("agentforge", "configs", "builds", "deployments")},
    },
}

# A collector of OpenTelemetry, by its own variables; without one, nothing is traced.
OTEL_EXPORTER_OTLP_ENDPOINT: str = env.str("OTEL_EXPORTER_OTLP_ENDPOINT", default="")
OTEL_EXPORTER_OTLP_HEADERS: str = env.str("OTEL_EXPORTER_OTLP_HEADERS", default="")
OTEL_SERVICE_NAME: str = env.str("OTEL_SERVICE_NAME", default="agentforge")

STATICFILES_DIRS = [BASE_DIR / "static"]
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(parents=True, exist_ok=True)  # WhiteNoise warns of a missing one
STATIC_VERSION = static_files.version(BASE_DIR / "static")
STATIC_URL = f"static/{STATIC_VERSION}/"
WHITENOISE_AUTOREFRESH = False
WHITENOISE_MAX_AGE = 365 * 24 * 3600
# Without the launcher, files are served from where they are, uncompressed.
WHITENOISE_USE_FINDERS = not static_files.is_collected(STATIC_ROOT, STATIC_VERSION)

# Where artifacts are stored: files (this machine), supabase (its Storage) or s3 (requirements-s3.txt).
ARTIFACT_STORAGE: str = env.str("ARTIFACT_STORAGE", default="files")
# Where `files` keeps them, var/artifacts if unset: a directory that all machines share.
_artifacts = env.str("AGENTFORGE_ARTIFACTS_DIR", default="")
AGENTFORGE_ARTIFACTS_DIR: Path | None = Path(_artifacts).resolve() if _artifacts else None
ARTIFACT_BUCKET: str = env.str("ARTIFACT_BUCKET", default="artifacts")
# Lifetime of download URLs signed by a shared storage.
ARTIFACT_URL_SECONDS: int = env.int("ARTIFACT_URL_SECONDS", default=60)
# A secret key of the project (sb_secret_… or service_role), and the URL of its Storage if that differs.
SUPABASE_SERVICE_KEY: str = env.str("SUPABASE_SERVICE_KEY", default="")
SUPABASE_STORAGE_URL: str = env.str("SUPABASE_STORAGE_URL", default="").rstrip("/")
# An S3 service other than Amazon's. boto3 reads AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and the like itself.
ARTIFACT_S3_ENDPOINT: str = env.str("ARTIFACT_S3_ENDPOINT", default="")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "agentforge.static_storage.BundledStaticFilesStorage"},
    "artifacts": artifact_storage.backend(
        ARTIFACT_STORAGE,
        bucket=ARTIFACT_BUCKET,
        seconds=ARTIFACT_URL_SECONDS,
        supabase_url=SUPABASE_STORAGE_URL or f"{SUPABASE_URL}/storage/v1",
        supabase_key=SUPABASE_SERVICE_KEY,
        s3_endpoint=ARTIFACT_S3_ENDPOINT,
    ),
}
# Days after which the files of builds that are neither pinned nor deployed are removed, build logs, and chat
# messages with the validation of drafts; 0: never.
ARTIFACT_DAYS: int = env.int("ARTIFACT_DAYS", default=7)
LOG_DAYS: int = env.int("LOG_DAYS", default=90)
CHAT_DAYS: int = env.int("CHAT_DAYS", default=90)
# Days after which an agent in the trash is deleted; 0: never.
TRASH_DAYS: int = env.int("TRASH_DAYS", default=30)

# The local language model, and its server's URL.
LOCAL_MODEL: bool = env.local_model("LOCAL_MODEL").is_served
# Whether a new account begins with an agent that is compiled already and answers with the local model.
EXAMPLE_AGENT: bool = env.bool("EXAMPLE_AGENT", default=True)
LOCAL_MODEL_URL: str = env.str("LOCAL_MODEL_URL", default="http://127.0.0.1:8011/v1").rstrip("/")
# Where other programs on this machine may serve models: agentforge/found_servers.py looks only there.
LOCAL_MODEL_SERVERS: tuple[ModelServer, ...] = env.model_servers("LOCAL_MODEL_SERVERS", default=False)
# Other URLs for the providers' services: a company's gateway, or a stand-in in tests.
AGENTFORGE_OPENAI_URL: str = env.str("AGENTFORGE_OPENAI_URL", default="").rstrip("/")
AGENTFORGE_ANTHROPIC_URL: str = env.str("AGENTFORGE_ANTHROPIC_URL", default="").rstrip("/")
AGENTFORGE_PROVIDER_URLS: dict[str, str] = {
    code: url.rstrip("/") for code, url in env.dict("AGENTFORGE_PROVIDER_URLS", default={}).items()
}
# A file with prices in place of the catalogue's (configs/providers/prices.py).
AGENTFORGE_PRICES: str = env.str("AGENTFORGE_PRICES", default="")
AGENTFORGE_NETLIFY_URL: str = env.str(
    "AGENTFORGE_NETLIFY_URL", default="https://api.netlify.com/api/v1"
).rstrip("/")
# The OAuth application at Netlify with which users connect their accounts; if unset, they need a token.
NETLIFY_CLIENT_ID: str = env.str("NETLIFY_CLIENT_ID", default="")
NETLIFY_CLIENT_SECRET: str = env.str("NETLIFY_CLIENT_SECRET", default="")
AGENTFORGE_NETLIFY_AUTHORIZE_URL: str = env.str(
    "AGENTFORGE_NETLIFY_AUTHORIZE_URL", default="https://app.netlify.com/authorize"
)
# The sites of "Your own server": a directory each, with a link `live` to the published version.
AGENTFORGE_SITES_DIR = Path(env.str("AGENTFORGE_SITES_DIR", default=str(VAR_DIR / "sites"))).resolve()
# Hosts ("host", "host:port", "[::1]:port") with private addresses that URLs given by users may reach.
AGENTFORGE_ALLOWED_HOSTS: list[str] = env.list("AGENTFORGE_ALLOWED_HOSTS", default=[])
# Fernet keys, newest first; if unset, one is created in var/secrets/vault.
AGENTFORGE_VAULT_KEYS: list[str] = env.list("AGENTFORGE_VAULT_KEYS", default=[])

# The P-256 key that signs the local identity service's tokens, in PEM, or that in base64; if unset, one is
# created in var/secrets/identity.pem.
AGENTFORGE_IDENTITY_KEY = env.str("AGENTFORGE_IDENTITY_KEY", default="")

# The Ed25519 key that signs builds, 32 bytes in base64; if unset, one is created in var/secrets/signing.
AGENTFORGE_SIGNING_KEY = env.str("AGENTFORGE_SIGNING_KEY", default="")
# API keys are tested again after this many hours; 0: only on request.
KEY_RECHECK_HOURS: int = env.int("KEY_RECHECK_HOURS", default=24)

# The Go module that becomes the agent, and the directory of Go's warm cache and the compiled hosts.
AGENTFORGE_AGENT_SOURCES = Path(
    env.str("AGENTFORGE_AGENT_SOURCES", default=str(BASE_DIR / "agent"))
).resolve()
AGENTFORGE_GO_DIR = Path(env.str("AGENTFORGE_GO_DIR", default=str(VAR_DIR / "go"))).resolve()
# Compilers that this machine runs at the same time, 0: as many as it has processors; where they take turns.
MOST_COMPILERS: int = env.int("MOST_COMPILERS", default=0)
AGENTFORGE_PROCESSORS_DIR = Path(
    env.str("AGENTFORGE_PROCESSORS_DIR", default=str(VAR_DIR / "processors"))
).resolve()
# A directory of cgroup v2 for the groups of sandboxes; if unset, one is looked for.
_cgroup = env.str("AGENTFORGE_CGROUP", default="")
AGENTFORGE_CGROUP: Path | None = Path(_cgroup).resolve() if _cgroup else None

# A worker without a heartbeat for 12 seconds counts as dead (agentforge/worker_liveness.py). Jobs that
# succeed are deleted: the rows they belong to keep the result.
PROCRASTINATE_ON_APP_READY = "agentforge.tenancy.queue_connector.install"
PROCRASTINATE_WORKER_DEFAULTS = {
    "stalled_worker_timeout": 30.0,
    "delete_jobs": "successful",
    "worker_middleware": [log_job],
}

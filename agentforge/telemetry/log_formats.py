"""The lines of the log: text for people, or JSON for machines (LOG_FORMAT)."""

from __future__ import annotations

import functools
import json
import logging
import os
import re
import socket
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import TracebackType
from urllib.parse import urlsplit

from django.conf import settings

from agentforge.redaction import BLANK, Redactor

from .context import current_fields

# A line of the log is one line of the terminal, whatever a client put into an address.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# What a secret looks like whose value is not known here: tokens, keys of services, passwords in URLs.
_TOKENS = re.compile(
    # Begun at the start of a word alone, up to its first "eyJ" and never to another one, or a long word is
    # searched again and again. A word goes before a token, as in the name of a cookie, however long it is.
    r"(?<![\w-])(?>[\w-]*?(?<![A-Za-z0-9])eyJ)[\w-]{8,}+\.[\w-]{8,}+\.[\w-]*+"
    r"|\b(?:(?:sk|pk|rk|xoxb|xai|csk|pplx)-|(?:nfp|nfc|sbp|sb_secret|ghp|gho|github_pat|gsk)_|AIza|AQ\.)[\w-]{16,}"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"
    r"|(?i:(?<=bearer )|(?<=basic ))(?=\S*[\d=])[\w.~+/=-]{8,}"
)
_SECRETS = (
    *("SECRET_KEY", "METRICS_TOKEN", "SUPABASE_SERVICE_KEY", "SUPABASE_JWT_SECRET", "AGENTFORGE_SIGNING_KEY"),
    *("AGENTFORGE_BUILDER_SECRET", "NETLIFY_CLIENT_SECRET", "AGENTFORGE_VAULT_KEYS", "EMAIL_HOST_PASSWORD"),
    *("AGENTFORGE_IDENTITY_KEY", "OTEL_EXPORTER_OTLP_HEADERS"),
)
# What each record has by itself; the rest was given as `extra`.
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


_Failure = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class ContextFilter(logging.Filter):
    """Gives a record the fields of its context, in the thread that logs it.

    A request that Django refuses (a foreign host name) leaves one line: its traceback says nothing more.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith("django.security"):
            record.exc_info = record.exc_text = None
        for name, value in current_fields().items():
            if not hasattr(record, name):
                setattr(record, name, value)
        return True


class TextFormatter(logging.Formatter):
    """One line and its fields; the traceback of an error follows on lines of its own, which are indented."""

    def formatMessage(self, record: logging.LogRecord) -> str:
        """Return the line without its traceback."""
        fields = " ".join(f"{name}={_word(value)}" for name, value in _fields_of(record))
        line = f"{record.levelname} {record.name}: {record.message}"
        return _CONTROL.sub(_escape, f"{line} [{fields}]" if fields else line)

    def formatException(self, ei: _Failure) -> str:
        """Return a traceback of which no line can be taken for one of the log's own."""
        lines = super().formatException(ei).split("\n")
        return "\n".join(f"  {_CONTROL.sub(_escape, line)}" for line in lines)

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as text, without secrets."""
        return without_secrets(super().format(record))


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, process, host, the fields, the traceback."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as JSON, without secrets."""
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **process_fields(),
            **dict(_fields_of(record)),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        if record.stack_info:
            line["stack"] = record.stack_info
        # Redacted in its parts: an escaped secret would be another text.
        text = json.dumps(_clean(line), ensure_ascii=False, default=str)
        # What JSON leaves as it is, and some readers take for the end of a line.
        return _CONTROL.sub(lambda sign: f"\\u{ord(sign[0]):04x}", text)


def without_secrets(text: str) -> str:
    """Return a text without this installation's secrets, and without what looks like a token or a key."""
    return _TOKENS.sub(BLANK, _redactor()(text))


def process_fields() -> dict[str, str | int]:
    """Return what tells this process from the others: its name, number and machine."""
    return {"process": process_name(sys.argv), "pid": os.getpid(), "host": socket.gethostname()}


def process_name(arguments: list[str]) -> str:
    """Return `web` for the web server, a worker's own name, and a command's name for the others."""
    words = arguments[1:]
    if words[:1] == ["serve"]:
        return "web"
    if "--name" in words[:-1]:
        return words[words.index("--name") + 1]
    return next((word for word in words if not word.startswith("-")), "python")


@functools.cache
def _redactor() -> Redactor:
    return Redactor(_secrets())


def _secrets() -> Iterator[str]:
    for name in _SECRETS:
        value = getattr(settings, name, None) or ""
        yield from [value] if isinstance(value, str) else value
    yield from (builder.get("secret", "") for builder in settings.AGENTFORGE_BUILDERS)
    yield urlsplit(settings.DATABASE_URL).password or ""
    yield from (os.environ.get(name, "") for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"))


def _fields_of(record: logging.LogRecord) -> Iterator[tuple[str, object]]:
    for name, value in vars(record).items():
        if name not in _USUAL and name not in ("request", "response") and value not in ("", None):
            yield name, value


def _clean(value: object) -> object:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {str(name): _clean(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(item) for item in value]
    return value


def _word(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if re.search(r'[\s"=\[\]]', text) else text


def _escape(sign: re.Match[str]) -> str:
    return sign[0].encode("unicode_escape").decode()

"""Validate the settings of tools that are one value or a list of hosts."""

from __future__ import annotations

import re
from typing import Any

import idna
from django.core.exceptions import ValidationError

_MOST_HOSTS = 50
_LONGEST_HOST = 253
_HOST = re.compile(
    r"(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]*[a-z0-9])?(:[0-9]{1,5})?", re.ASCII
)


def clean_hosts(value: Any) -> list[str]:
    """Return the hosts of a list, or of lines of text, in lower case, in ASCII and each once."""
    given = value.replace(",", "\n").split() if isinstance(value, str) else value or []
    if not isinstance(given, list) or not all(isinstance(host, str) for host in given):
        raise ValidationError("Give the hosts one per line, such as example.org.")
    hosts = list(dict.fromkeys(_in_ascii(host.strip()).lower().rstrip(".") for host in given if host.strip()))
    for host in hosts:
        _, _, port = host.partition(":")
        if len(host) > _LONGEST_HOST or not _HOST.fullmatch(host) or (port and not 0 < int(port) < 65536):
            raise ValidationError(f"“{host[:80]}” is not a host such as example.org or *.example.org.")
    if len(hosts) > _MOST_HOSTS:
        raise ValidationError(f"Give at most {_MOST_HOSTS} hosts.")
    return hosts


def _in_ascii(host: str) -> str:
    """Return a host with xn-- in place of letters that are not ASCII, as it is looked up."""
    if host.isascii():
        return host
    wild = "*." if host.startswith("*.") else ""
    name, colon, port = host.removeprefix(wild).partition(":")
    try:
        return f"{wild}{idna.encode(name, uts46=True).decode('ascii')}{colon}{port}"
    except idna.IDNAError:
        # No host: the caller says so.
        return host


def clean_directory(value: Any) -> str:
    """Return an absolute path on the machine where the agent will run, or nothing."""
    text = value.strip() if isinstance(value, str) else value
    if text in ("", None):
        return ""
    if not isinstance(text, str) or not re.fullmatch(r"(/|[A-Za-z]:[\\/])[^\x00-\x1f\x7f]{0,400}", text):
        raise ValidationError("Give an absolute path, such as /var/lib/agent.")
    return text


def clean_flag(value: Any) -> bool:
    """Return whether a box is ticked."""
    if value in (None, "", False, "false", "off", "0"):
        return False
    if value in (True, "on", "true", "1"):
        return True
    raise ValidationError("Send true or false.")

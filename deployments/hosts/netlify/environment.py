"""Set a site's environment variables as secrets that its functions alone can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.hosts.base import HostError, Reason, RemoteSite

from .api import Calls, Request

# A secret's value is given for each context in which functions run; Netlify refuses one for all of them.
_CONTEXTS = ("production", "deploy-preview", "branch-deploy")
_DOING = "setting the environment variables"


def change(calls: Calls, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]) -> None:
    """Give a site these variables; of others only the `obsolete` ones go. Names and values are kept apart."""
    there = _names(calls, site)
    for name, value in sorted(variables.items()):
        _set(calls, site, name, value, is_there=name in there)
    for name in sorted(obsolete & there - variables.keys()):
        _remove(calls, site, name)


def _names(calls: Calls, site: RemoteSite) -> frozenset[str]:
    listed = calls.json(Request("GET", _path(site), _DOING, _query(site)))
    return frozenset(str(entry.get("key")) for entry in listed or ())


def _set(calls: Calls, site: RemoteSite, name: str, value: str, *, is_there: bool) -> None:
    body: dict[str, Any] = {
        "key": name,
        "is_secret": True,
        "scopes": ["functions"],
        "values": [{"context": context, "value": value} for context in _CONTEXTS],
    }
    try:
        _send(calls, site, body, is_there=is_there)
    except HostError as error:
        # Plans without granular scopes refuse them: the variable is then set for all.
        if error.reason not in (Reason.REFUSED, Reason.QUOTA, Reason.FORBIDDEN):
            raise
        del body["scopes"]
        _send(calls, site, body, is_there=is_there)


def _send(calls: Calls, site: RemoteSite, body: dict[str, Any], *, is_there: bool) -> None:
    if is_there:
        calls.reply(Request("PUT", f"{_path(site)}/{body['key']}", _DOING, _query(site), body))
        return
    try:
        calls.reply(Request("POST", _path(site), _DOING, _query(site), [body]))
    except HostError as error:
        # The first attempt's answer may have been lost after it took effect.
        if error.reason != Reason.REFUSED or body["key"] not in _names(calls, site):
            raise
        _send(calls, site, body, is_there=True)


def _remove(calls: Calls, site: RemoteSite, name: str) -> None:
    try:
        calls.reply(Request("DELETE", f"{_path(site)}/{name}", _DOING, _query(site)))
    except HostError as error:
        if error.reason != Reason.GONE:
            raise


def _path(site: RemoteSite) -> str:
    return f"/accounts/{site.team_id}/env"


def _query(site: RemoteSite) -> dict[str, str]:
    return {"site_id": site.id}

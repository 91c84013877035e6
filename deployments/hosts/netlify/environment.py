"""Set a site's environment variables as secrets that only its functions can read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deployments.hosts.base import HostError, Reason, RemoteSite

from .api import Api, Request

# Netlify takes a secret's value for each context in which functions run, and refuses one for all of them.
_CONTEXTS = ("production", "deploy-preview", "branch-deploy")
_DOING = "setting the environment variables"


def change(api: Api, site: RemoteSite, variables: Mapping[str, str], obsolete: frozenset[str]) -> None:
    """Set these variables of a site, and remove the `obsolete` ones; others stay."""
    existing = _names(api, site)
    for name, value in sorted(variables.items()):
        _set(api, site, name, value, exists=name in existing)
    for name in sorted(obsolete & existing - variables.keys()):
        _remove(api, site, name)


def _names(api: Api, site: RemoteSite) -> frozenset[str]:
    variables = api.json(Request("GET", _path(site), _DOING, _query(site)))
    return frozenset(str(variable.get("key")) for variable in variables or ())


def _set(api: Api, site: RemoteSite, name: str, value: str, *, exists: bool) -> None:
    body: dict[str, Any] = {
        "key": name,
        "is_secret": True,
        "scopes": ["functions"],
        "values": [{"context": context, "value": value} for context in _CONTEXTS],
    }
    try:
        _send(api, site, body, exists=exists)
    except HostError as error:
        # Plans without granular scopes refuse them: then the variable is set for all scopes.
        if error.reason not in (Reason.REFUSED, Reason.QUOTA, Reason.FORBIDDEN):
            raise
        del body["scopes"]
        _send(api, site, body, exists=exists)


def _send(api: Api, site: RemoteSite, body: dict[str, Any], *, exists: bool) -> None:
    if exists:
        api.reply(Request("PUT", f"{_path(site)}/{body['key']}", _DOING, _query(site), body))
        return
    try:
        api.reply(Request("POST", _path(site), _DOING, _query(site), [body]))
    except HostError as error:
        # The first attempt may have taken effect although its response was lost.
        if error.reason != Reason.REFUSED or body["key"] not in _names(api, site):
            raise
        _send(api, site, body, exists=True)


def _remove(api: Api, site: RemoteSite, name: str) -> None:
    try:
        api.reply(Request("DELETE", f"{_path(site)}/{name}", _DOING, _query(site)))
    except HostError as error:
        if error.reason != Reason.GONE:
            raise


def _path(site: RemoteSite) -> str:
    return f"/accounts/{site.team_id}/env"


def _query(site: RemoteSite) -> dict[str, str]:
    return {"site_id": site.id}

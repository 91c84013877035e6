"""Parse the objects of Netlify's API, any field of which may be missing."""

from __future__ import annotations

from typing import Any

from deployments.hosts.base import RemoteDeploy, RemoteSite, State, Team

_STATES = {
    "ready": State.READY,
    "error": State.FAILED,
    "rejected": State.FAILED,
    "prepared": State.UPLOADING,
    "uploading": State.UPLOADING,
}


def team_of(data: Any) -> Team:
    return Team(_text(data, "id"), _text(data, "slug"), _text(data, "name") or _text(data, "slug"))


def site_of(data: Any) -> RemoteSite:
    live = data.get("published_deploy") or {}
    return RemoteSite(
        id=_text(data, "id"),
        name=_text(data, "name"),
        url=_text(data, "ssl_url") or _text(data, "url"),
        admin_url=_text(data, "admin_url"),
        team_id=_text(data, "account_id"),
        team_slug=_text(data, "account_slug"),
        live_deploy=_text(live, "id"),
        locked=bool(live.get("locked")),
    )


def deploy_of(data: Any) -> RemoteDeploy:
    """Return a deploy; an unknown state means that Netlify still works on it."""
    word = _text(data, "state")
    required = {*(data.get("required") or ()), *(data.get("required_functions") or ())}
    return RemoteDeploy(
        id=_text(data, "id"),
        state=State.UPLOADING if required and word not in _STATES else _STATES.get(word, State.WORKING),
        word=word,
        url=_text(data, "deploy_ssl_url") or _text(data, "deploy_url"),
        title=_text(data, "title"),
        error=_text(data, "error_message"),
        required=frozenset(required),
        # With `async`, `required` is valid only once the deploy was prepared.
        listed=word not in ("new", "preparing", "pending_review", "accepted", "enqueued"),
        locked=bool(data.get("locked")),
    )


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return str(value) if value is not None else ""

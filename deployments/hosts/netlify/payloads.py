"""Read the objects of Netlify's API, of which any part may be missing."""

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


def team_of(given: Any) -> Team:
    return Team(_text(given, "id"), _text(given, "slug"), _text(given, "name") or _text(given, "slug"))


def site_of(given: Any) -> RemoteSite:
    live = given.get("published_deploy") or {}
    return RemoteSite(
        id=_text(given, "id"),
        name=_text(given, "name"),
        url=_text(given, "ssl_url") or _text(given, "url"),
        admin_url=_text(given, "admin_url"),
        team_id=_text(given, "account_id"),
        team_slug=_text(given, "account_slug"),
        live_deploy=_text(live, "id"),
        locked=bool(live.get("locked")),
    )


def deploy_of(given: Any) -> RemoteDeploy:
    """Return a deploy; a state that nobody knows yet means that Netlify still works on it."""
    word = _text(given, "state")
    required = {*(given.get("required") or ()), *(given.get("required_functions") or ())}
    return RemoteDeploy(
        id=_text(given, "id"),
        state=State.UPLOADING if required and word not in _STATES else _STATES.get(word, State.WORKING),
        word=word,
        url=_text(given, "deploy_ssl_url") or _text(given, "deploy_url"),
        title=_text(given, "title"),
        error=_text(given, "error_message"),
        required=frozenset(required),
        # With `async`, what is required is true only once it was prepared.
        listed=word not in ("new", "preparing", "pending_review", "accepted", "enqueued"),
        locked=bool(given.get("locked")),
    )


def _text(given: Any, name: str) -> str:
    value = given.get(name) if isinstance(given, dict) else None
    return str(value) if value is not None else ""

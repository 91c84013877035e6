"""Deploys: missing contents, uploads verified by digest, and states that advance with each poll."""

from __future__ import annotations

import hashlib
import re
import time
from typing import TYPE_CHECKING

from tests.standins.server import Answer, Asked, as_json

from .bodies import deploy_json
from .packages import fault
from .sites import NOT_FOUND, Query
from .state import Deploy, Json, Site

if TYPE_CHECKING:
    from .server import NetlifyStandIn

_AFTER = {"uploaded": "processing", "processing": "processed", "processed": "ready"}
# The limit of a function's environment, names and values.
_ENVIRONMENT_BYTES = 4096


def _shown(netlify: NetlifyStandIn, deploy: Deploy) -> Json:
    site = netlify.state.sites[deploy.site_id]
    edge = netlify.edge
    return deploy_json(netlify.state, deploy, site, edge.site_url(site), edge.deploy_url(deploy))


def _deploy_of(netlify: NetlifyStandIn, site_id: str, deploy_id: str) -> Deploy | None:
    """Return a deploy of this site."""
    site, deploy = netlify.state.site_named(site_id), netlify.state.deploys.get(deploy_id)
    return deploy if site and deploy and deploy.site_id == site.id else None


def _refuse(message: str, status: int = 422) -> Answer:
    return as_json({"code": status, "message": message}, status)


def list_deploys(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str) -> Answer:
    site = netlify.state.site_named(site_id)
    if site is None:
        return as_json(NOT_FOUND, 404)
    deploys = [deploy for deploy in netlify.state.deploys.values() if deploy.site_id == site.id]
    deploys.sort(key=lambda deploy: -deploy.number)
    page, size = int(query.get("page") or 1), min(int(query.get("per_page") or 100), 100)
    return as_json([_shown(netlify, deploy) for deploy in deploys[(page - 1) * size : page * size]])


def create(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str) -> Answer:
    site = netlify.state.site_named(site_id)
    if site is None:
        return as_json(NOT_FOUND, 404)
    if netlify.quota:
        return _refuse("You have used all deploys of your plan for today", 403)
    body = asked.json or {}
    if wrong := _wrong_manifest(body):
        return _refuse(wrong)
    deploy = netlify.state.add_deploy(site, query.get("title", ""))
    deploy.draft, deploy.branch = bool(body.get("draft")), str(body.get("branch") or "")
    _take(netlify, deploy, body)
    return as_json(_shown(netlify, deploy))


def update(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str, deploy_id: str) -> Answer:
    deploy = _deploy_of(netlify, site_id, deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    if deploy.is_over:
        return _refuse("This deploy is over")
    body = asked.json or {}
    if wrong := _wrong_manifest(body):
        return _refuse(wrong)
    # `draft` is set at creation and ignored here: the CLI sends false for its drafts.
    _take(netlify, deploy, body)
    return as_json(_shown(netlify, deploy))


def _wrong_manifest(body: Json) -> str:
    if bad := [path for path in body.get("files") or {} if re.search(r"[#?]", path)]:
        return f"Invalid filename: {bad[0]}"
    if bad := [name for name in body.get("functions") or {} if not re.fullmatch(r"[A-Za-z0-9_-]+", name)]:
        return f"Invalid function name: {bad[0]}"
    hashes = list((body.get("functions") or {}).values())
    return "Two functions have the same hash" if len(hashes) > len(set(hashes)) else ""


def _take(netlify: NetlifyStandIn, deploy: Deploy, body: Json) -> None:
    deploy.environment = list(body.get("environment") or deploy.environment)
    files, functions = body.get("files") or {}, body.get("functions") or {}
    if not files and not functions:
        return
    deploy.files = {path.removeprefix("/"): sha for path, sha in files.items()}
    deploy.functions = dict(functions)
    deploy.has_manifest = True
    deploy.state = "preparing" if body.get("async") else "uploading"
    _go_on(netlify, deploy)


def _go_on(netlify: NetlifyStandIn, deploy: Deploy) -> None:
    state = netlify.state
    if deploy.state == "uploading" and not state.missing_files(deploy) + state.missing_functions(deploy):
        deploy.state = "uploaded"


def get(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str, site_id: str = "") -> Answer:
    deploy_by_id = netlify.state.deploys.get(deploy_id)
    deploy = _deploy_of(netlify, site_id, deploy_id) if site_id else deploy_by_id
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    _step(netlify, deploy)
    return as_json(_shown(netlify, deploy))


def _step(netlify: NetlifyStandIn, deploy: Deploy) -> None:
    """Advance a deploy by one state."""
    if deploy.state == "preparing":
        deploy.state = "prepared"
    elif deploy.state == "prepared":
        deploy.state = "uploading"
        _go_on(netlify, deploy)
    elif deploy.state in _AFTER and not (netlify.stuck and deploy.state == "processing"):
        deploy.state = _AFTER[deploy.state]
        if deploy.state == "processed":
            _make_functions(netlify, deploy)
    if deploy.state == "ready" and not deploy.published_at and deploy.context == "production":
        _publish(netlify, netlify.state.sites[deploy.site_id], deploy, by_hand=False)


def _make_functions(netlify: NetlifyStandIn, deploy: Deploy) -> None:
    """Fix the variables of the functions: later changes do not reach them."""
    deploy.variables = netlify.state.variables_of(netlify.state.sites[deploy.site_id], deploy.context)
    own = {str(each["key"]): str(each["value"]) for each in deploy.environment}
    size = sum(len(f"{key}{value}".encode()) for key, value in {**deploy.variables, **own}.items())
    if deploy.functions and size > _ENVIRONMENT_BYTES:
        deploy.error = f"Environment variables exceed the {_ENVIRONMENT_BYTES} bytes of functions"
    deploy.error = netlify.fails_with or deploy.error
    if deploy.error:
        deploy.state = "error"


def _publish(netlify: NetlifyStandIn, site: Site, deploy: Deploy, *, by_hand: bool) -> None:
    live = netlify.state.deploys.get(site.published)
    if live is not None and live.locked and not by_hand:
        return
    deploy.published_at = deploy.published_at or time.time()
    site.published = deploy.id


def upload_file(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str, path: str) -> Answer:
    deploy = netlify.state.deploys.get(deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    if deploy.state not in ("prepared", "uploading", "uploaded", "processing", "processed", "ready"):
        return _refuse(f"This deploy is {deploy.state}")
    sha = hashlib.sha1(asked.body).hexdigest()  # noqa: S324 - Netlify's protocol
    if deploy.files.get(path) != sha:
        return _refuse(f"SHA does not match: {path}" if path in deploy.files else f"Unexpected file: {path}")
    netlify.state.contents[sha] = asked.body
    deploy.state = "uploading" if deploy.state == "prepared" else deploy.state
    _go_on(netlify, deploy)
    return as_json({"id": f"/{path}", "path": f"/{path}", "sha": sha, "size": len(asked.body)})


def upload_function(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str, name: str) -> Answer:
    deploy = netlify.state.deploys.get(deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    runtime = query.get("runtime", "")
    if len(asked.body) > netlify.largest_function:
        return _refuse("function is too large", 413)
    sha = hashlib.sha256(asked.body).hexdigest()
    if deploy.functions.get(name) != sha:
        return _refuse(f"SHA does not match: {name}")
    if wrong := fault(runtime, asked.body):
        return _refuse(wrong)
    netlify.state.zips[sha] = asked.body
    deploy.runtimes[name] = runtime
    deploy.state = "uploading" if deploy.state == "prepared" else deploy.state
    _go_on(netlify, deploy)
    return as_json({"id": sha, "name": name, "sha": sha})


def cancel(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str) -> Answer:
    deploy = netlify.state.deploys.get(deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    if deploy.is_over:
        return _refuse("This deploy is over")
    deploy.state, deploy.error = "error", "Canceled"
    return as_json(_shown(netlify, deploy), 201)


def restore(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str, deploy_id: str) -> Answer:
    deploy = _deploy_of(netlify, site_id, deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    if deploy.state != "ready":
        return _refuse("This deploy is not ready")
    deploy.draft = False
    _publish(netlify, netlify.state.sites[deploy.site_id], deploy, by_hand=True)
    return as_json(_shown(netlify, deploy), 201)


def lock(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str) -> Answer:
    return _locked(netlify, deploy_id, value=True)


def unlock(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str) -> Answer:
    return _locked(netlify, deploy_id, value=False)


def _locked(netlify: NetlifyStandIn, deploy_id: str, *, value: bool) -> Answer:
    deploy = netlify.state.deploys.get(deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    deploy.locked = value
    return as_json(_shown(netlify, deploy), 201)


def delete(netlify: NetlifyStandIn, asked: Asked, query: Query, deploy_id: str) -> Answer:
    deploy = netlify.state.deploys.get(deploy_id)
    if deploy is None:
        return as_json(NOT_FOUND, 404)
    if any(site.published == deploy_id for site in netlify.state.sites.values()):
        return _refuse("The published deploy can't be deleted")
    del netlify.state.deploys[deploy_id]
    return Answer(204)

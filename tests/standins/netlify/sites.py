"""Users, teams and sites."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.standins.server import Answer, Asked, as_json

from .bodies import account_json, site_json
from .state import Json, Site

if TYPE_CHECKING:
    from .server import NetlifyStandIn

Query = dict[str, str]
NOT_FOUND: Json = {"code": 404, "message": "Not Found"}


def user(netlify: NetlifyStandIn, asked: Asked, query: Query) -> Answer:
    return as_json({"id": "user-1", "full_name": "Ada Lovelace", "email": "ada@example.com", "site_count": 0})


def accounts(netlify: NetlifyStandIn, asked: Asked, query: Query) -> Answer:
    return as_json([account_json(account) for account in netlify.state.accounts])


def list_sites(netlify: NetlifyStandIn, asked: Asked, query: Query) -> Answer:
    sites = sorted(netlify.state.sites.values(), key=lambda site: site.number)
    if name := query.get("name"):
        sites = [site for site in sites if name in site.name]
    page, size = int(query.get("page") or 1), min(int(query.get("per_page") or 100), 100)
    return as_json([shown(netlify, site) for site in sites[(page - 1) * size : page * size]])


def shown(netlify: NetlifyStandIn, site: Site) -> Json:
    return site_json(netlify.state, site, netlify.edge.site_url(site))


def create(netlify: NetlifyStandIn, asked: Asked, query: Query, slug: str = "") -> Answer:
    state = netlify.state
    body = asked.json or {}
    name = str(body.get("name") or f"unnamed-{len(state.sites) + 1}")
    account = state.account_named(slug or state.accounts[0].slug)
    if account is None:
        return as_json(NOT_FOUND, 404)
    if not re.fullmatch(r"[A-Za-z0-9-]{1,63}", name):
        errors = {"errors": {"subdomain": ["can only include alphanumeric characters and hyphens"]}}
        return as_json(errors, 422)
    # A name is part of a host name, so its case is ignored.
    if name.lower() in {*state.taken, *(site.name.lower() for site in state.sites.values())}:
        return as_json({"errors": {"subdomain": ["must be unique"]}}, 422)
    return as_json(shown(netlify, state.add_site(name, account.id)), 201)


def get(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str) -> Answer:
    site = netlify.state.site_named(site_id)
    return as_json(shown(netlify, site)) if site else as_json(NOT_FOUND, 404)


def delete(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str) -> Answer:
    site = netlify.state.site_named(site_id)
    if site is None:
        return as_json(NOT_FOUND, 404)
    del netlify.state.sites[site.id]
    for deploy in [d for d in netlify.state.deploys.values() if d.site_id == site.id]:
        del netlify.state.deploys[deploy.id]
    for place in [place for place in netlify.state.environment if place[1] == site.id]:
        del netlify.state.environment[place]
    return Answer(204)

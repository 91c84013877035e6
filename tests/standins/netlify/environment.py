"""Answer for environment variables; the value of a secret one is never given back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standins.server import Answer, Asked, as_json

from .sites import NOT_FOUND, Query
from .state import Json

if TYPE_CHECKING:
    from .server import NetlifyStandIn


def _shown(variable: Json) -> Json:
    if not variable.get("is_secret"):
        return variable
    values = [{**value, "value": "" if value.get("context") != "dev" else value["value"]}
              for value in variable["values"]]  # fmt: skip
    return {**variable, "values": values}


def list_variables(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str) -> Answer:
    if account_id not in {name for a in netlify.state.accounts for name in (a.id, a.slug)}:
        return as_json(NOT_FOUND, 404)
    site_id = query.get("site_id", "")
    found = [v for (_, site, _), v in netlify.state.environment.items() if site == site_id]
    return as_json([_shown(variable) for variable in found])


def of_site(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str) -> Answer:
    found = [v for (_, site, _), v in netlify.state.environment.items() if site == site_id]
    return as_json([_shown(variable) for variable in found])


def _fault(netlify: NetlifyStandIn, variable: Json) -> str:
    if netlify.refuses_env_scopes and variable.get("scopes"):
        return "Scopes are available on paid plans only"
    if str(variable.get("key", "")).startswith("AWS_") or variable.get("key") in ("SITE_ID", "URL"):
        return f"{variable['key']} is a reserved name"
    if variable.get("is_secret") and any(v.get("context") == "all" for v in variable.get("values", [])):
        return "A secret's value can't be the same in all contexts"
    return ""


def create(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str) -> Answer:
    site_id = query.get("site_id", "")
    if site_id and netlify.state.site_named(site_id) is None:
        return as_json(NOT_FOUND, 404)
    for variable in asked.json:
        if told := _fault(netlify, variable):
            return as_json({"code": 422, "message": told}, 422)
        if (account_id, site_id, variable["key"]) in netlify.state.environment:
            return as_json({"code": 409, "message": f"{variable['key']} exists already"}, 409)
    for variable in asked.json:
        netlify.state.environment[account_id, site_id, variable["key"]] = variable
    return as_json([_shown(variable) for variable in asked.json], 201)


def change(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str, key: str) -> Answer:
    place = account_id, query.get("site_id", ""), key
    if place not in netlify.state.environment:
        return as_json(NOT_FOUND, 404)
    if told := _fault(netlify, asked.json):
        return as_json({"code": 422, "message": told}, 422)
    netlify.state.environment[place] = asked.json
    return as_json(_shown(asked.json))


def delete(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str, key: str) -> Answer:
    if netlify.state.environment.pop((account_id, query.get("site_id", ""), key), None) is None:
        return as_json(NOT_FOUND, 404)
    return Answer(204)

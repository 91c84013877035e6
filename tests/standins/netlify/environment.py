"""Environment variables; the value of a secret is never returned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.standins.server import Answer, Asked, as_json

from .sites import NOT_FOUND, Query
from .state import Json

if TYPE_CHECKING:
    from .server import NetlifyStandIn

# Account, site (none for the account's own) and name of a variable.
Place = tuple[str, str, str]
_RESERVED = ("URL", "SITE_ID", "SITE_NAME", "BRANCH", "CONTEXT", "DEPLOY_ID")


def _shown(variable: Json) -> Json:
    if not variable.get("is_secret"):
        return variable
    values = [{**value, "value": "" if value.get("context") != "dev" else value["value"]}
              for value in variable["values"]]  # fmt: skip
    return {**variable, "values": values}


def _place(netlify: NetlifyStandIn, account_id: str, query: Query, key: str = "") -> Place | None:
    """Return the place of a variable; None for an unknown account, or another account's site."""
    account = netlify.state.account_named(account_id)
    site = netlify.state.site_named(query.get("site_id", ""))
    if account is None or (query.get("site_id") and (site is None or site.account != account.id)):
        return None
    return account.id, site.id if site else "", key


def _listed(netlify: NetlifyStandIn, account: str, site: str) -> Answer:
    variables = [v for place, v in netlify.state.environment.items() if place[:2] == (account, site)]
    return as_json([_shown(variable) for variable in variables])


def list_variables(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str) -> Answer:
    place = _place(netlify, account_id, query)
    return _listed(netlify, *place[:2]) if place else as_json(NOT_FOUND, 404)


def of_site(netlify: NetlifyStandIn, asked: Asked, query: Query, site_id: str) -> Answer:
    site = netlify.state.site_named(site_id)
    return _listed(netlify, site.account, site.id) if site else as_json(NOT_FOUND, 404)


def _fault(netlify: NetlifyStandIn, variable: Json) -> str:
    key = str(variable.get("key", ""))
    if netlify.refuses_env_scopes and variable.get("scopes"):
        return "Scopes are available on paid plans only"
    if key.startswith("AWS_") or key in _RESERVED:
        return f"{key} is a reserved name"
    if variable.get("is_secret") and any(v.get("context") == "all" for v in variable.get("values", [])):
        return "A secret's value can't be the same in all contexts"
    return ""


def create(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str) -> Answer:
    places = {variable["key"]: _place(netlify, account_id, query, variable["key"]) for variable in asked.json}
    for variable in asked.json:
        if places[variable["key"]] is None:
            return as_json(NOT_FOUND, 404)
        if message := _fault(netlify, variable):
            return as_json({"code": 422, "message": message}, 422)
        if places[variable["key"]] in netlify.state.environment:
            return as_json({"code": 409, "message": f"{variable['key']} exists already"}, 409)
    for variable in asked.json:
        if place := places[variable["key"]]:
            netlify.state.environment[place] = variable
    return as_json([_shown(variable) for variable in asked.json], 201)


def get(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str, key: str) -> Answer:
    place = _place(netlify, account_id, query, key)
    variable = netlify.state.environment.get(place) if place else None
    return as_json(_shown(variable)) if variable else as_json(NOT_FOUND, 404)


def change(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str, key: str) -> Answer:
    """Replace a variable with all its values."""
    return _changed(netlify, _place(netlify, account_id, query, key), {"key": key, **asked.json}, 200)


def set_value(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str, key: str) -> Answer:
    """Set a variable's value in one context only."""
    place = _place(netlify, account_id, query, key)
    present = (netlify.state.environment.get(place) if place else None) or {}
    others = [v for v in present.get("values", []) if v.get("context") != asked.json.get("context")]
    return _changed(netlify, place, {**present, "values": [*others, asked.json]}, 201)


def _changed(netlify: NetlifyStandIn, place: Place | None, variable: Json, status: int) -> Answer:
    if place is None or place not in netlify.state.environment:
        return as_json(NOT_FOUND, 404)
    if message := _fault(netlify, variable):
        return as_json({"code": 422, "message": message}, 422)
    del netlify.state.environment[place]
    netlify.state.environment[(*place[:2], variable["key"])] = variable
    return as_json(_shown(variable), status)


def delete(netlify: NetlifyStandIn, asked: Asked, query: Query, account_id: str, key: str) -> Answer:
    place = _place(netlify, account_id, query, key)
    if place is None or netlify.state.environment.pop(place, None) is None:
        return as_json(NOT_FOUND, 404)
    return Answer(204)

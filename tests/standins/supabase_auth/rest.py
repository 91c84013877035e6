"""The project's REST API, as far as it tells which schemas it serves: https://docs.postgrest.org/en/latest/"""

from __future__ import annotations

from .call import Call, Reply, routes

PREFIX = "/rest/v1"


@routes.on("GET", PREFIX + "/{table}")
def table(call: Call) -> Reply:
    schema = call.headers.get("accept-profile", "public")
    known = call.service.exposed_schemas
    if schema not in known:
        message = f"The schema must be one of the following: {', '.join(known)}"
        return Reply({"code": "PGRST106", "details": None, "hint": None, "message": message}, 406)
    message = f"Could not find the table '{schema}.{call.parts['table']}' in the schema cache"
    return Reply({"code": "PGRST205", "details": None, "hint": None, "message": message}, 404)

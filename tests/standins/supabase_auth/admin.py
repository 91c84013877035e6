"""What holders of a secret key may do to any account."""

from __future__ import annotations

from .call import Call, Reply, routes
from .errors import Refused


@routes.on("DELETE", "/admin/users/{user_id}")
def delete_user(call: Call) -> Reply:
    if call.headers.get("apikey") != call.service.secret_key:
        raise Refused(403, "not_admin", "User not allowed")
    account = call.service.state.accounts.pop(call.parts["user_id"], None)
    if account is None:
        raise Refused(404, "user_not_found", "User not found")
    call.service.state.end_sessions(account)
    return Reply({})

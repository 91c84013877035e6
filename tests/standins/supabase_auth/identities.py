from __future__ import annotations

from . import mails
from .call import Call, Reply, routes
from .errors import Refused
from .oauth import provider_address


@routes.on("GET", "/user/identities/authorize")
def begin_link(call: Call) -> Reply:
    """Begin to link a provider to the bearer's account; `skip_http_redirect` is taken for granted."""
    account, _ = call.signed_in()
    if not call.service.manual_linking:
        raise Refused(404, "manual_linking_disabled", "Manual linking is disabled")
    return Reply({"url": provider_address(call, mails.redirect_target(call), linking=account)})


@routes.on("DELETE", "/user/identities/{identity_id}")
def unlink(call: Call) -> Reply:
    account, _ = call.signed_in()
    if len(account.providers) < 2:
        message = "User must have at least 1 identity after unlinking"
        raise Refused(422, "single_identity_not_deletable", message)
    ids = {one["identity_id"]: one["provider"] for one in account.as_json()["identities"]}
    provider = ids.get(call.parts["identity_id"])
    if provider is None:
        raise Refused(422, "identity_not_found", "Identity doesn't exist")
    account.providers.remove(provider)
    return Reply({})

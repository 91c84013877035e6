"""Sign in with a provider: the provider is one page here that says yes, no, or who."""

from __future__ import annotations

import time
from urllib.parse import urlencode

from . import mails
from .call import Call, Reply, routes
from .errors import Refused, invalid
from .state import Account, Flow
from .verify import _redirect


@routes.on("GET", "/authorize")
def authorize(call: Call) -> Reply:
    provider = call.query.get("provider", "")
    if provider not in call.service.providers:
        raise invalid("Unsupported provider: provider is not enabled")
    challenge, how = call.query.get("code_challenge", ""), call.query.get("code_challenge_method", "")
    if not challenge or not how:
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    flow = Flow("oauth", challenge, how, referrer=mails.redirect_target(call), provider=provider)
    call.service.state.flows[flow.id] = flow
    query = urlencode({"state": flow.id, "redirect_uri": f"{call.service.auth_url}/callback"})
    return Reply(status=302, headers={"Location": f"{call.service.auth_url}/provider/{provider}?{query}"})


@routes.on("GET", "/provider/{provider}")
def provider_page(call: Call) -> Reply:
    """Stand in for the provider: it comes back with its answer at once."""
    answer = {"state": call.query["state"], **call.service.provider_answer}
    return Reply(status=302, headers={"Location": f"{call.query['redirect_uri']}?{urlencode(answer)}"})


@routes.on("GET", "/callback")
def callback(call: Call) -> Reply:
    flow = call.service.state.flows.get(call.query.get("state", ""))
    if flow is None:
        raise Refused(400, "bad_oauth_state", "OAuth state not found or expired")
    if "error" in call.query:
        names = ("error", "error_code", "error_description")
        problem = {name: call.query[name] for name in names if name in call.query}
        return _redirect(flow.referrer, problem, {**problem, "sb": ""})
    if flow.account is not None:
        raise Refused(400, "flow_state_already_used", "State has already been used")
    flow.account = _account(call, call.service.provider_answer["email"], flow.provider)
    return _redirect(flow.referrer, {"code": flow.code}, {})


def _account(call: Call, email: str, provider: str) -> Account:
    account = call.service.state.by_email(email)
    if account is None:
        account = Account(email, confirmed_at=time.time())
        call.service.state.accounts[account.id] = account
    if provider not in account.providers:
        account.providers.append(provider)
    return account

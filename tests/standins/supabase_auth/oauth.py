"""Sign in with a provider: the provider is one page here that says yes, no, or who."""

from __future__ import annotations

import re
import time
from urllib.parse import urlencode

from . import mails
from .call import Call, Reply, routes
from .errors import Refused, invalid
from .public import PROVIDERS
from .state import Account, Flow
from .verify import _redirect, as_fragment, redirect


@routes.on("GET", "/authorize")
def authorize(call: Call) -> Reply:
    return redirect(provider_address(call, mails.redirect_target(call)), 302)


def provider_address(call: Call, referrer: str, linking: Account | None = None) -> str:
    """Begin a flow, which signs in or links to an account; return the address of the provider's page."""
    provider = call.query.get("provider", "")
    if provider not in PROVIDERS:
        raise invalid(f"Unsupported provider: Provider {provider} could not be found")
    if provider not in call.service.providers:
        raise invalid("Unsupported provider: provider is not enabled")
    challenge, how = call.query.get("code_challenge", ""), call.query.get("code_challenge_method", "")
    flow = Flow("oauth", challenge, how, referrer=referrer, provider=provider, linking=linking)
    call.service.state.flows[flow.id] = flow
    query = {
        "client_id": "x",
        **({"redirect_to": call.query["redirect_to"]} if "redirect_to" in call.query else {}),
        "redirect_uri": f"{call.service.auth_url}/callback",
        "response_type": "code",
        "scope": "user:email",
        "state": flow.id,
    }
    return f"{call.service.auth_url}/provider/{provider}?{urlencode(query)}"


@routes.on("GET", "/provider/{provider}")
def provider_page(call: Call) -> Reply:
    """Stand in for the provider: it comes back with its answer at once."""
    answer = {"state": call.query["state"], **call.service.provider_answer}
    return Reply(status=302, headers={"Location": f"{call.query['redirect_uri']}?{urlencode(answer)}"})


@routes.on("GET", "/callback")
def callback(call: Call) -> Reply:
    flow = call.service.state.flows.get(call.query.get("state", ""))
    if flow is None:
        return _without_state(call)
    if "error" in call.query:
        names = ("error", "error_code", "error_description")
        problem = {name: call.query[name] for name in names if name in call.query}
        return _redirect(flow.referrer, problem, {**problem, "sb": ""})
    if flow.account is not None:
        raise Refused(400, "flow_state_already_used", "State has already been used")
    if flow.linking is not None and (problem := _link_problem(call, flow.linking, flow.provider)):
        return _redirect(flow.referrer, problem, {**problem, "sb": ""})
    flow.account = flow.linking or _account(call, call.service.provider_answer["email"], flow.provider)
    if not flow.challenge:
        return _redirect(flow.referrer, {}, {**as_fragment(call, flow.account), "sb": ""})
    return _redirect(flow.referrer, {"code": flow.code}, {})


def _link_problem(call: Call, account: Account, provider: str) -> dict[str, str]:
    """Link the provider to an account unless another has what it answers; return the refusal."""
    other = call.service.state.by_email(call.service.provider_answer["email"])
    if other not in (None, account) and provider in other.providers:
        message = "Identity is already linked to another user"
        return {
            "error": "server_error",
            "error_code": "identity_already_exists",
            "error_description": message,
        }
    if provider not in account.providers:
        account.providers.append(provider)
    if account.is_anonymous:
        account.email, account.is_anonymous = call.service.provider_answer["email"], False
        account.confirmed_at = time.time()
    return {}


def _without_state(call: Call) -> Reply:
    """Return to the project's own site: the state would say where else."""
    state = call.query.get("state", "")
    code, message = "bad_oauth_state", "OAuth state not found or expired"
    if not state:
        code, message = "bad_oauth_callback", "OAuth state parameter missing"
    elif not re.fullmatch(r"[0-9a-f-]{36}", state):
        message = "OAuth state parameter is invalid"
    problem = {"error": "invalid_request", "error_code": code, "error_description": message}
    return _redirect(call.service.site_url, problem, {})


def _account(call: Call, email: str, provider: str) -> Account:
    account = call.service.state.by_email(email)
    if account is None:
        account = Account(email, confirmed_at=time.time())
        call.service.state.accounts[account.id] = account
    if provider not in account.providers:
        account.providers.append(provider)
    return account

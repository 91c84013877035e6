"""Exchange mailed tokens, as internal/api/verify.go does."""

from __future__ import annotations

import time
from html import escape
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from . import mails, sessions
from .call import Call, Reply, routes
from .errors import Refused, invalid
from .state import Account, OneTime, token_hash

SLOTS = {
    "signup": ("signup",),
    "invite": ("signup",),
    "email": ("signup", "recovery"),
    "magiclink": ("recovery",),
    "recovery": ("recovery",),
    "email_change": ("email_change_current", "email_change_new"),
}
METHODS = {"signup": "email/signup", "invite": "invite", "email": "magiclink"}
HALF_WAY = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
Found = tuple[Account, OneTime]


@routes.on("POST", "/verify")
def verify(call: Call) -> Reply:
    code, hashed = call.text("token"), call.text("token_hash")
    if not call.text("type"):
        raise invalid("Verify requires a verification type")
    if bool(code) == bool(hashed):
        raise invalid("Verify requires either a token or a token hash")
    if hashed and call.text("email"):
        raise invalid("Only the token_hash and type should be provided")
    if code:
        email = call.text("email").lower()
        if not mails.is_email(email):
            raise invalid("Invalid email format", 422)
        result = _by_code(call, email, code)
    else:
        result = _by_hash(call, hashed, call.text("type"))
    if not _confirm(*result):
        return Reply({"msg": HALF_WAY, "code": "200"})
    return Reply(sessions.start(call, result[0], "otp"))


@routes.on("GET", "/verify")
def follow_link(call: Call) -> Reply:
    hashed, kind = call.query.get("token", ""), call.query.get("type", "")
    if not kind or not hashed:
        raise invalid(f"Verify requires {'a token or a token hash' if kind else 'a verification type'}")
    target, pkce = mails.redirect_target(call), hashed.startswith(mails.PKCE_PREFIX)
    try:
        result = _by_hash(call, hashed, kind)
    except Refused as error:
        kinds = {400: "invalid_request", 403: "access_denied"}
        problem = {"error": kinds.get(error.status, "server_error"), "error_code": error.code}
        problem["error_description"] = error.message
        return _redirect(target, problem if pkce else {}, {**problem, "sb": ""})
    if not _confirm(*result):
        return _redirect(target, {"message": HALF_WAY} if pkce else {}, {"message": HALF_WAY, "sb": ""})
    if not pkce:
        return _redirect(target, {}, {**as_fragment(call, result[0]), "type": kind, "sb": ""})
    method = METHODS.get(kind, kind)
    flows = [one for one in call.service.state.flows.values() if one.account is result[0]]
    flow = next((one for one in reversed(flows) if one.method == method), None)
    if flow is None:
        raise Refused(400, "flow_state_not_found", "No associated flow state found.")
    return _redirect(target, {"code": flow.code}, {})


def as_fragment(call: Call, account: Account) -> dict[str, str]:
    issued = sessions.start(call, account, "otp")
    names = ("access_token", "token_type", "expires_in", "expires_at", "refresh_token")
    return {name: str(issued[name]) for name in names}


def _redirect(target: str, query: dict[str, str], fragment: dict[str, str]) -> Reply:
    parts = urlsplit(target)
    merged = urlencode(sorted([*parse_qsl(parts.query), *query.items()]))
    url = urlunsplit((parts.scheme, parts.netloc, parts.path, merged, urlencode(sorted(fragment.items()))))
    return redirect(url, 303)


def redirect(url: str, status: int) -> Reply:
    phrase = "See Other" if status == 303 else "Found"
    page = f'<a href="{escape(url)}">{phrase}</a>.\n\n'
    return Reply(page, status, {"Location": url}, "text/html; charset=utf-8")


def _slots(kind: str) -> tuple[str, ...]:
    if kind not in SLOTS:
        raise invalid("Invalid email verification type")
    return SLOTS[kind]


def _by_hash(call: Call, hashed: str, kind: str) -> Found:
    slots = _slots(kind)
    for account in call.service.state.accounts.values():
        for slot in slots:
            token = account.token(slot)
            if token is not None and token.hash == hashed:
                return _in_force(call, account, token, "Email link is invalid or has expired")
    raise Refused(403, "otp_expired", "Email link is invalid or has expired")


def _by_code(call: Call, email: str, code: str) -> Found:
    refusal = "Token has expired or is invalid"
    hashed, slots = token_hash(email, code), _slots(call.text("type"))
    for account in call.service.state.accounts.values():
        for slot in slots:
            token = account.token(slot)
            if token and token.email == email and token.hash.removeprefix(mails.PKCE_PREFIX) == hashed:
                return _in_force(call, account, token, refusal)
    raise Refused(403, "otp_expired", refusal)


def _in_force(call: Call, account: Account, token: OneTime, refusal: str) -> Found:
    if account.banned:
        raise Refused(403, "user_banned", "User is banned")
    if time.time() > token.sent_at + call.service.otp_life:
        raise Refused(403, "otp_expired", refusal)
    return account, token


def _confirm(account: Account, token: OneTime) -> bool:
    """Do what a token is for; False when a change of address still waits for the other mail."""
    if token.kind.startswith("email_change"):
        account.drop(token.kind)
        other_open = any(one.kind.startswith("email_change") for one in account.tokens)
        if other_open and not account.change_confirmed_once:
            account.change_confirmed_once = True
            return False
        account.take_address(account.new_email)
    else:
        account.drop(token.kind)
        if token.kind == "signup":
            account.is_email_verified = account.user_metadata["email_verified"] = True
    account.confirmed_at = account.confirmed_at or time.time()
    return True

"""Issue and rotate tokens as internal/tokens/service.go and internal/api/token.go do."""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass
from typing import NoReturn

from . import mails
from .call import Call, Reply, routes
from .errors import Refused, invalid
from .refresh_tokens import SignedToken
from .state import Account, Flow, Json, RefreshToken, Session

FLOW_LIFE = 300
FORM = re.compile(r"[a-z0-9]{12}")


@dataclass(frozen=True)
class Hook:
    """What a project's hook, or the service after it, refuses with."""

    status: int
    code: str
    message: str

    def refuse(self) -> NoReturn:
        raise Refused(self.status, self.code, self.message)


def start(call: Call, account: Account, method: str) -> Json:
    """Begin a session and return its first tokens."""
    now = time.time()
    account.last_sign_in_at = now
    session = Session(account, methods={method: now})
    call.service.state.sessions[session.id] = session
    return answer(call, session, _new_refresh_token(call, session))


def _new_refresh_token(call: Call, session: Session, parent: RefreshToken | None = None) -> RefreshToken:
    if call.service.refresh_token_version == 2:
        return RefreshToken(SignedToken(session.id, session.counter).encode(session.key), session)
    value = secrets.token_urlsafe(9).lower().replace("-", "a").replace("_", "b")
    token = RefreshToken(value, session, parent=parent.value if parent else "")
    call.service.state.refresh_tokens[value] = token
    return token


def swap(call: Call, session: Session) -> RefreshToken:
    """Replace a session's current refresh token, as a passed second factor does."""
    current = _active(call, session)
    if current is not None:
        _revoke(current)
    return _new_refresh_token(call, session, current)


def answer(call: Call, session: Session, refresh_token: RefreshToken) -> Json:
    if call.service.token_hook is not None:
        call.service.token_hook.refuse()
    now = int(time.time())
    account, life = session.account, call.service.access_life
    claims = {
        "iss": call.service.issuer,
        "sub": account.id,
        "aud": "authenticated",
        "exp": now + life,
        "iat": now,
        "email": account.email,
        "phone": "",
        "app_metadata": account.metadata(),
        "user_metadata": account.user_metadata,
        "role": "authenticated",
        "is_anonymous": account.is_anonymous,
        **session.claims(),
    }
    return {
        "access_token": call.service.keys.sign(claims),
        "token_type": "bearer",
        "expires_in": life,
        "expires_at": now + life,
        "refresh_token": refresh_token.value,
        "user": account.as_json(),
    }


@routes.on("POST", "/token")
def token(call: Call) -> Reply:
    grants = {"password": by_password, "refresh_token": by_refresh_token, "pkce": by_code}
    grant = grants.get(call.query.get("grant_type", ""))
    if grant is None:
        raise Refused(400, "invalid_credentials", "unsupported_grant_type")
    return grant(call)


def by_password(call: Call) -> Reply:
    if not call.text("email"):
        raise invalid("missing email or phone")
    mails.check_email_enabled(call, 422)
    account = call.service.state.by_email(call.text("email").lower())
    if account is not None and account.password and account.banned:
        raise Refused(400, "user_banned", "User is banned")
    if account is None or not account.password or account.password != call.text("password"):
        raise Refused(400, "invalid_credentials", "Invalid login credentials")
    if account.confirmed_at is None:
        raise Refused(400, "email_not_confirmed", "Email not confirmed")
    # Reasons, if the project asks more of passwords now.
    return Reply({**start(call, account, "password"), "weak_password": None})


def by_refresh_token(call: Call) -> Reply:
    value = call.text("refresh_token")
    signed = SignedToken.parse(value)
    if signed is None and not FORM.fullmatch(value):
        raise invalid("Refresh token is not valid")
    presented = call.service.state.refresh_tokens.get(value)
    session = presented.session if presented else None
    if signed:
        session = call.service.state.sessions.get(signed.session_id)
    if session is None:
        message = "Invalid Refresh Token: Refresh Token Not Found"
        raise Refused(400, "refresh_token_not_found", message)
    _check_session(call, session, presented.updated_at if presented else session.refreshed_at)
    if signed:
        fresh = _counted(call, session, signed)
    elif presented and presented.revoked:
        return Reply(answer(call, session, _reused(call, presented)))
    else:
        fresh = swap(call, session)
    session.refreshed_at = time.time()
    call.service.rotations += 1
    return Reply(answer(call, session, fresh))


def _check_session(call: Call, session: Session, refreshed_at: float) -> None:
    service, now = call.service, time.time()
    if session.account.banned:
        raise Refused(400, "user_banned", "Invalid Refresh Token: User Banned")
    if service.timebox and now > session.created_at + service.timebox:
        raise Refused(400, "session_expired", "Invalid Refresh Token: Session Expired")
    if service.inactivity_timeout and now > refreshed_at + service.inactivity_timeout:
        raise Refused(400, "session_expired", "Invalid Refresh Token: Session Expired (Inactivity)")
    if session.id in service.state.locked_sessions:
        message = "Too many concurrent token refresh requests on the same session or refresh token"
        raise Refused(409, "conflict", message)
    others = [one for one in service.state.sessions.values() if one.account is session.account]
    if service.single_session and any(one.refreshed_at > session.refreshed_at for one in others):
        message = "Invalid Refresh Token: Session Expired (Revoked by Newer Login)"
        raise Refused(400, "session_expired", message)


def _counted(call: Call, session: Session, signed: SignedToken) -> RefreshToken:
    """Return what a token of version 2 gets: its successor, or the current one if it was spent just now."""
    behind = session.counter - signed.counter
    if behind < 0:
        raise invalid("Invalid Refresh Token: Not Issued By This Server")
    if behind == 0:
        session.counter += 1
    elif behind > 1 and time.time() > session.refreshed_at + call.service.reuse_interval:
        call.service.state.end_sessions(session.account, only=session.id)
        raise Refused(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")
    return _new_refresh_token(call, session)


def _reused(call: Call, presented: RefreshToken) -> RefreshToken:
    """Return what a spent refresh token still gets, or end its family.

    The parent of the active one gets the active one: its owner may not have got the answer. Any other one
    gets a new one within the reuse interval; after it, the whole family is revoked.
    """
    active = _active(call, presented.session)
    if active is not None and active.parent == presented.value:
        return active
    if time.time() <= presented.updated_at + call.service.reuse_interval:
        return swap(call, presented.session)
    for existing in call.service.state.refresh_tokens.values():
        if existing.session is presented.session and not existing.revoked:
            # As if it had been exchanged now: it is good for another reuse interval.
            _revoke(existing)
    raise Refused(400, "refresh_token_already_used", "Invalid Refresh Token: Already Used")


def _active(call: Call, session: Session) -> RefreshToken | None:
    existing = call.service.state.refresh_tokens.values()
    return next((one for one in existing if one.session is session and not one.revoked), None)


def _revoke(refresh_token: RefreshToken) -> None:
    refresh_token.revoked = True
    refresh_token.updated_at = time.time()


def by_code(call: Call) -> Reply:
    code, verifier = call.text("auth_code"), call.text("code_verifier")
    if not code or not verifier:
        raise invalid("invalid request: both auth code and code verifier should be non-empty")
    flow = next((one for one in call.service.state.flows.values() if one.code == code), None)
    if flow is None or flow.account is None:
        raise Refused(404, "flow_state_not_found", "invalid flow state, no valid flow state found")
    if time.time() > flow.created_at + FLOW_LIFE:
        raise Refused(422, "flow_state_expired", "invalid flow state, flow state has expired")
    if not _fits(flow, verifier):
        message = "code challenge does not match previously saved code verifier"
        raise Refused(400, "bad_code_verifier", message)
    del call.service.state.flows[flow.id]
    body = start(call, flow.account, flow.method)
    if flow.provider:
        body |= {"provider_token": "provider-access-token"}
    return Reply(body)


def _fits(flow: Flow, verifier: str) -> bool:
    if flow.challenge_method.lower() == "plain":
        return flow.challenge == verifier
    digest = hashlib.sha256(verifier.encode()).digest()
    return flow.challenge == base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


@routes.on("POST", "/logout")
def logout(call: Call) -> Reply:
    account, session = call.signed_in()
    scope = call.query.get("scope") or "global"
    if scope not in ("global", "local", "others"):
        raise invalid(f'Unsupported logout scope "{scope}"')
    chosen = {"local": {"only": session.id}, "others": {"but": session.id}}
    call.service.state.end_sessions(account, **chosen.get(scope, {}))
    return Reply(status=204)

"""Issue and rotate tokens as internal/tokens/service.go and internal/api/token.go do."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time

from .call import Call, Reply, routes
from .errors import OAuthRefused, Refused, invalid
from .state import Account, Flow, Json, RefreshToken, Session

FLOW_LIFE = 300


def start(call: Call, account: Account, method: str) -> Json:
    """Begin a session and return its first tokens."""
    now = time.time()
    account.last_sign_in_at = now
    session = Session(account, methods={method: now})
    call.service.state.sessions[session.id] = session
    return answer(call, session, _new_refresh_token(call, session))


def _new_refresh_token(call: Call, session: Session, parent: RefreshToken | None = None) -> RefreshToken:
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
        "is_anonymous": False,
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
    account = call.service.state.by_email(call.text("email").lower())
    if account is not None and account.password and account.banned:
        raise Refused(400, "user_banned", "User is banned")
    if account is None or not account.password or account.password != call.text("password"):
        raise Refused(400, "invalid_credentials", "Invalid login credentials")
    if account.confirmed_at is None:
        raise Refused(400, "email_not_confirmed", "Email not confirmed")
    return Reply(start(call, account, "password"))


def by_refresh_token(call: Call) -> Reply:
    value = call.text("refresh_token")
    if not value:
        raise OAuthRefused(400, "invalid_request", "refresh_token required")
    presented = call.service.state.refresh_tokens.get(value)
    if presented is None:
        message = "Invalid Refresh Token: Refresh Token Not Found"
        raise Refused(400, "refresh_token_not_found", message)
    session = presented.session
    if session.account.banned:
        raise Refused(400, "user_banned", "Invalid Refresh Token: User Banned")
    if presented.revoked:
        return Reply(answer(call, session, _reused(call, presented)))
    _revoke(presented)
    fresh = _new_refresh_token(call, session, presented)
    call.service.rotations += 1
    return Reply(answer(call, session, fresh))


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
        if existing.session is presented.session:
            existing.revoked = True
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

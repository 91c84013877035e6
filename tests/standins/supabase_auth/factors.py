"""Enrol, challenge and verify authenticators (TOTP), as internal/api/mfa.go does."""

from __future__ import annotations

import re
import time
from urllib.parse import quote, urlencode, urlsplit

from . import sessions, totp
from .call import Call, Reply, routes
from .errors import Refused, invalid
from .state import Account, Factor, Session, new_id

CHALLENGE_LIFE = 300
MAX_FACTORS = 10
# Not readable by a phone: what the real one holds besides is not part of the protocol.
PICTURE = '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><title>%s</title></svg>'


@routes.on("POST", "/factors")
def enrol(call: Call) -> Reply:
    account, session = call.signed_in()
    if call.text("factor_type") != "totp":
        raise invalid("factor_type needs to be totp, phone, or webauthn")
    name = call.text("friendly_name")
    if any(factor.friendly_name == name for factor in account.factors.values()):
        message = f'A factor with the friendly name "{name}" for this user already exists'
        raise Refused(422, "mfa_factor_name_conflict", message)
    if len(account.factors) >= MAX_FACTORS:
        message = "Maximum number of verified factors reached, unenroll to continue"
        raise Refused(422, "too_many_enrolled_mfa_factors", message)
    if account.verified_factors and session.aal != "aal2":
        raise Refused(403, "insufficient_aal", "AAL2 required to enroll a new factor")
    factor = Factor(totp.new_secret(), name)
    account.factors[factor.id] = factor
    issuer = call.text("issuer") or urlsplit(call.service.site_url).netloc
    uri = _uri(issuer, account.email, factor.secret)
    picture = PICTURE % uri.replace("&", "&amp;")
    body = {"id": factor.id, "type": "totp", "friendly_name": name}
    return Reply({**body, "totp": {"qr_code": picture, "secret": factor.secret, "uri": uri}})


def _uri(issuer: str, email: str, secret: str) -> str:
    query = {"algorithm": "SHA1", "digits": 6, "issuer": issuer, "period": 30, "secret": secret}
    return f"otpauth://totp/{quote(issuer)}:{quote(email)}?{urlencode(query)}"


def _named(call: Call) -> tuple[Account, Session, Factor]:
    account, session = call.signed_in()
    if not re.fullmatch(r"[0-9a-f-]{36}", call.parts["factor_id"]):
        raise invalid("factor_id must be an UUID", 404)
    factor = account.factors.get(call.parts["factor_id"])
    if factor is None:
        raise Refused(404, "mfa_factor_not_found", "Factor not found")
    return account, session, factor


@routes.on("POST", "/factors/{factor_id}/challenge")
def challenge(call: Call) -> Reply:
    _, _, factor = _named(call)
    challenge_id, expires = new_id(), time.time() + CHALLENGE_LIFE
    factor.challenges[challenge_id], factor.challenged_at = expires, time.time()
    return Reply({"id": challenge_id, "type": "totp", "expires_at": int(expires)})


@routes.on("POST", "/factors/{factor_id}/verify")
def verify(call: Call) -> Reply:
    account, session, factor = _named(call)
    code, challenge_id = call.text("code"), call.text("challenge_id")
    if not code:
        raise invalid("Code needs to be non-empty")
    if challenge_id not in factor.challenges:
        message = "MFA factor with the provided challenge ID not found"
        raise Refused(422, "mfa_factor_not_found", message)
    expires = factor.challenges[challenge_id]
    if expires is None:
        raise Refused(422, "mfa_ip_address_mismatch", "Challenge and verify IP addresses mismatch.")
    if time.time() > expires:
        del factor.challenges[challenge_id]
        advice = "verify against another challenge or create a new challenge."
        raise Refused(422, "mfa_challenge_expired", f"MFA challenge {challenge_id} has expired, {advice}")
    if not totp.is_valid(factor.secret, code):
        raise Refused(422, "mfa_verification_failed", "Invalid TOTP code entered")
    factor.challenges[challenge_id] = None
    factor.status = "verified"
    session.methods["totp"] = time.time()
    session.aal = "aal2"
    # The answer still lists the factors that go with this: those that were never verified.
    body = sessions.answer(call, session, sessions.swap(call, session))
    account.factors = {key: one for key, one in account.factors.items() if one.status == "verified"}
    for other in list(call.service.state.sessions.values()):
        if other.account is account and other.aal < "aal2":
            call.service.state.end_sessions(account, only=other.id)
    return Reply(body)


@routes.on("DELETE", "/factors/{factor_id}")
def unenrol(call: Call) -> Reply:
    account, session, factor = _named(call)
    if factor.status == "verified" and session.aal != "aal2":
        raise Refused(422, "insufficient_aal", "AAL2 required to unenroll verified factor")
    del account.factors[factor.id]
    for one in call.service.state.sessions.values():
        if one.account is account and not account.verified_factors:
            one.aal = "aal1"
            one.methods.pop("totp", None)
    return Reply({"id": factor.id})

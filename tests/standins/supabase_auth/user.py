from __future__ import annotations

import secrets
import time

from . import mails
from .call import Call, Reply, routes
from .errors import Refused
from .sign_up import check_password
from .state import Account, Mail, OneTime, Session, token_hash


@routes.on("GET", "/user")
def user(call: Call) -> Reply:
    return Reply(call.signed_in()[0].as_json())


@routes.on("PUT", "/user")
def update(call: Call) -> Reply:
    account, session = call.signed_in()
    if "app_metadata" in call.body:
        raise Refused(403, "not_admin", "Updating app_metadata requires admin privileges")
    password = call.text("password")
    email = mails.valid_email(call) if call.text("email") else ""
    if password:
        check_password(call, password)
    if account.is_anonymous and password and not email:
        message = "Updating password of an anonymous user without an email or phone is not allowed"
        raise Refused(422, "validation_failed", message)
    if account.verified_factors and session.aal != "aal2" and (password or email not in ("", account.email)):
        message = "AAL2 session is required to update email or password when MFA is enabled."
        raise Refused(401, "insufficient_aal", message)
    other = call.service.state.by_email(email)
    if email and other not in (None, account):
        message = "A user with this email address has already been registered"
        raise Refused(422, "email_exists", message)
    if password:
        _set_password(call, account, session, password)
    if isinstance(call.body.get("data"), dict):
        account.user_metadata |= call.body["data"]
    if email and email != account.email:
        if account.is_anonymous and call.service.autoconfirm:
            account.take_address(email)
            return Reply(account.as_json(is_new=True))
        _ask_for_change(call, account, email)
    return Reply(account.as_json())


def _set_password(call: Call, account: Account, session: Session, password: str) -> None:
    asks = call.service.needs_current_password and account.password
    if asks and "recovery" not in session.methods:
        given = call.text("current_password")
        if not given or given != account.password:
            code = "current_password_invalid" if given else "current_password_required"
            raise Refused(400, code, "Current password required when setting new password.")
    is_old = time.time() >= session.created_at + call.service.fresh_session_life
    if call.service.needs_reauthentication and is_old:
        _check_nonce(call, account)
    if password == account.password:
        message = "New password should be different from the old password."
        raise Refused(422, "same_password", message)
    account.password = password
    account.tokens.clear()
    call.service.state.end_sessions(account, but=session.id)


def _check_nonce(call: Call, account: Account) -> None:
    nonce, token = call.text("nonce"), account.token("reauthentication")
    if not nonce:
        raise Refused(400, "reauthentication_needed", "Password update requires reauthentication")
    if token is None or token.hash != token_hash(account.email, nonce):
        raise Refused(422, "reauthentication_not_valid", "Nonce has expired or is invalid")


def _ask_for_change(call: Call, account: Account, email: str) -> None:
    pkce = mails.begin_flow(call, account, "email_change")
    account.new_email, account.change_confirmed_once = email, False
    mails.send(call, account, "email_change", to=email, slot="email_change_new", pkce=pkce)
    if call.service.secure_email_change and account.email:
        mails.send(call, account, "email_change", slot="email_change_current", pkce=pkce)


@routes.on("GET", "/reauthenticate")
def reauthenticate(call: Call) -> Reply:
    account, _ = call.signed_in()
    mails.pause(call, account.token("reauthentication"))
    code = f"{secrets.randbelow(1_000_000):06d}"
    hashed = token_hash(account.email, code)
    account.drop("reauthentication")
    account.tokens.append(OneTime("reauthentication", account.email, hashed))
    call.service.state.inbox.append(Mail(account.email, "reauthentication", code, hashed, ""))
    return Reply({})

from __future__ import annotations

import time
from typing import Any

from . import mails, sessions
from .call import Call, Reply, routes
from .errors import Refused, invalid, weak_password
from .state import Account, Json, new_id, stamp


def check_password(call: Call, password: str) -> None:
    if len(password.encode()) > 72:
        raise invalid("Password cannot be longer than 72 characters")
    if len(password) < call.service.min_password:
        raise weak_password(f"Password should be at least {call.service.min_password} characters.", "length")


@routes.on("POST", "/signup")
def sign_up(call: Call) -> Reply:
    if call.service.sign_up_disabled:
        raise Refused(422, "signup_disabled", "Signups not allowed for this instance")
    if not call.text("email"):
        return _sign_up_anonymously(call)
    if not call.text("password"):
        raise invalid("Signup requires a valid password")
    check_password(call, call.text("password"))
    mails.check_email_enabled(call, 400, "signups")
    return _sign_up(call, mails.valid_email(call), call.text("password"), call.body.get("data"))


def _sign_up_anonymously(call: Call) -> Reply:
    if not call.service.anonymous_users:
        raise Refused(422, "anonymous_provider_disabled", "Anonymous sign-ins are disabled")
    data = call.body.get("data")
    given = data if isinstance(data, dict) else {}
    account = Account("", is_anonymous=True, began_anonymous=True, user_metadata=given)
    call.service.state.accounts[account.id] = account
    return Reply(sessions.start(call, account, "anonymous"))


def _sign_up(call: Call, email: str, password: str, data: Any) -> Reply:
    state = call.service.state
    account = state.by_email(email)
    if account is not None and account.confirmed_at is not None:
        if call.service.autoconfirm:
            raise Refused(422, "user_already_exists", "User already registered")
        return Reply(_made_up(account))
    if account is None:
        account = _new_account(call, email, password, data)
    if call.service.autoconfirm:
        account.confirmed_at = time.time()
        account.user_metadata["email_verified"] = True
        return Reply({**sessions.start(call, account, "password"), "user": account.as_json(is_new=True)})
    mails.send(call, account, "signup", pkce=mails.begin_flow(call, account, "email/signup"))
    return Reply(account.as_json())


def _new_account(call: Call, email: str, password: str, data: Any) -> Account:
    if call.service.sign_up_hook is not None:
        call.service.sign_up_hook.refuse()
    account = Account(email, password, providers=["email"])
    given = data if isinstance(data, dict) else {}
    said = {"email": email, "email_verified": False, "phone_verified": False, "sub": account.id}
    account.user_metadata = {**given, **said}
    call.service.state.accounts[account.id] = account
    return account


def _made_up(account: Account) -> Json:
    """Answer for a taken address as for a free one, with a made-up user."""
    now = stamp(time.time())
    return {
        "id": new_id(),
        "aud": "authenticated",
        "role": "",
        "email": account.email,
        "phone": "",
        "app_metadata": {"provider": "email", "providers": ["email"]},
        "user_metadata": {},
        "identities": [],
        "created_at": now,
        "updated_at": now,
        "confirmation_sent_at": now,
        **({"recovery_sent_at": now} if "recovery" in account.mailed_at else {}),
        "is_anonymous": False,
    }


@routes.on("POST", "/otp")
def otp(call: Call) -> Reply:
    if not call.text("email"):
        raise invalid("One of email or phone must be set")
    mails.check_email_enabled(call, 422)
    email = mails.valid_email(call)
    if call.body.get("create_user") is False and call.service.state.by_email(email) is None:
        raise Refused(422, "otp_disabled", "Signups not allowed for otp")
    return magic_link(call)


@routes.on("POST", "/magiclink")
def magic_link(call: Call) -> Reply:
    email = mails.valid_email(call)
    account = call.service.state.by_email(email)
    if account is None or account.confirmed_at is None:
        if call.service.sign_up_disabled:
            raise Refused(422, "signup_disabled", "Signups not allowed for this instance")
        _sign_up(call, email, new_id(), call.body.get("data"))
        account = call.service.state.by_email(email)
    if account is not None and account.confirmed_at is not None:
        pkce = mails.begin_flow(call, account, "magiclink")
        mails.send(call, account, "magiclink", slot="recovery", pkce=pkce)
    return Reply({})


@routes.on("POST", "/recover")
def recover(call: Call) -> Reply:
    if not call.text("email"):
        raise invalid("Password recovery requires an email")
    mails.check_email_enabled(call, 400)
    account = call.service.state.by_email(mails.valid_email(call))
    if account is not None:
        mails.send(call, account, "recovery", pkce=mails.begin_flow(call, account, "recovery"))
    return Reply({})


@routes.on("POST", "/resend")
def resend(call: Call) -> Reply:
    kind = call.text("type")
    if kind not in ("signup", "email_change"):
        raise invalid("Missing one of these types: signup, email_change, sms, phone_change")
    account = call.service.state.by_email(mails.valid_email(call))
    if account is not None and kind == "signup" and account.confirmed_at is None:
        mails.send(call, account, "signup", pkce=mails.begin_flow(call, account, "email/signup"))
    if account is not None and kind == "email_change" and account.new_email:
        pkce = mails.begin_flow(call, account, "email_change")
        mails.send(call, account, kind, to=account.new_email, slot="email_change_new", pkce=pkce)
    return Reply({})

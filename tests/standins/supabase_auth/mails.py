"""Send mails whose tokens confirm: sign-up, magic link, recovery, change of address."""

from __future__ import annotations

import re
import secrets
import time
from urllib.parse import urlencode

from .call import Call
from .errors import Refused, invalid
from .state import Account, Flow, Mail, OneTime, token_hash

PKCE_PREFIX = "pkce_"
# Which of an account's times each slot sets.
SENT_AT = {"signup": "confirmation", "recovery": "recovery"}


def valid_email(call: Call, name: str = "email") -> str:
    email = call.text(name).lower()
    if not is_email(email):
        raise invalid("Unable to validate email address: invalid format")
    return email


def is_email(text: str) -> bool:
    return re.fullmatch(r"[^@\s]+@[!-?A-~]+", text) is not None


def check_email_enabled(call: Call, status: int, what: str = "logins") -> None:
    if not call.service.email_users:
        raise Refused(status, "email_provider_disabled", f"Email {what} are disabled")


def begin_flow(call: Call, account: Account, method: str) -> bool:
    """Keep the PKCE challenge of a request that brings one; tell whether it did."""
    challenge, how = call.text("code_challenge"), call.text("code_challenge_method")
    if bool(challenge) != bool(how):
        raise invalid("PKCE flow requires code_challenge_method and code_challenge")
    if not challenge:
        return False
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", challenge):
        raise invalid("code challenge has to be between 43 and 128 characters")
    flow = Flow(method, challenge, how, account=account)
    call.service.state.flows[flow.id] = flow
    return True


def send(
    call: Call, account: Account, kind: str, *, to: str = "", slot: str = "", pkce: bool = False
) -> None:
    """Mail a fresh token; the one sent before in its slot is void."""
    slot, to = slot or kind, to or account.email
    earlier = account.token(slot)
    pause(call, earlier)
    _check_delivery(call, to, kind)
    account.mailed_at[SENT_AT.get(slot, "email_change")] = time.time()
    code = f"{secrets.randbelow(1_000_000):06d}"
    hashed = (PKCE_PREFIX if pkce else "") + token_hash(to, code)
    account.drop(slot)
    account.tokens.append(OneTime(slot, to, hashed))
    query = {"token": hashed, "type": kind, "redirect_to": redirect_target(call)}
    link = f"{call.service.auth_url}/verify?{urlencode(query)}"
    call.service.state.inbox.append(Mail(to, kind, code, hashed, link))


def _check_delivery(call: Call, to: str, kind: str) -> None:
    service = call.service
    if service.authorized_addresses is not None and to not in service.authorized_addresses:
        message = f'Email address "{to}" cannot be used as it is not authorized'
        raise Refused(400, "email_address_not_authorized", message)
    if service.mails_left is not None:
        if service.mails_left <= 0:
            raise Refused(429, "over_email_send_rate_limit", "email rate limit exceeded")
        service.mails_left -= 1
    if service.mail_server_away:
        name = {"signup": "confirmation", "magiclink": "magic link"}.get(kind, kind.replace("_", " "))
        raise Refused(500, "unexpected_failure", f"Error sending {name} email")


def pause(call: Call, earlier: OneTime | None) -> None:
    left = earlier.sent_at + call.service.mail_pause - time.time() if earlier else 0
    if left > 0:
        message = f"For security purposes, you can only request this after {int(left)} seconds."
        raise Refused(429, "over_email_send_rate_limit", message)


def redirect_target(call: Call) -> str:
    """Return where a link leads in the end: the asked URL where the project allows it, else its site."""
    wanted = call.query.get("redirect_to") or call.text("redirect_to")
    allowed = any(wanted.startswith(start) for start in call.service.redirect_prefixes)
    return wanted if wanted and allowed else call.service.site_url

"""Call Supabase Auth through its client, and translate its errors into ours."""

from __future__ import annotations

import logging
import re
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import httpx
from django.conf import settings
from pydantic import ValidationError
from supabase import ClientOptions, create_client
from supabase_auth import SyncGoTrueClient, SyncSupportedStorage
from supabase_auth.errors import (
    AuthApiError,
    AuthError,
    AuthRetryableError,
    AuthUnknownError,
    AuthWeakPasswordError,
)
from supabase_auth.types import Factor, Session, User

from agentforge.accounts import errors
from agentforge.accounts.throttling.throttle import address_subject
from agentforge.audit.request_actor import current_actor
from agentforge.telemetry.outbound_calls import LoggedClient
from agentforge.tenancy.request_transaction import outside_transaction
from agentforge.whole_numbers import whole_number

from .base import Tokens
from .refusals import Outcome, outcome_of_refresh
from .supabase_refusals import BUSY, ENDED, REFUSALS, REFUSED, UNAVAILABLE

logger = logging.getLogger(__name__)

NOT_OURS = "The identity service does not know this site. Nothing was changed. An operator can see why."
# The code of what a hook of the project refuses.
HOOK, HOOK_LENGTH = "unknown", 200
# A link confirms when it is followed, and its code can be exchanged for five minutes.
JUST_NOW = timedelta(minutes=10)
# Used if the service does not say how long to wait.
DEFAULT_RETRY_SECONDS = 60
_LONGEST_RETRY_SECONDS = 86_400


@lru_cache(maxsize=1)
def _trusted() -> ssl.SSLContext:
    # Loading the certificates takes longer than a request.
    return httpx.create_ssl_context(trust_env=False)


class VerifierStorage(SyncSupportedStorage):
    """Captures the PKCE verifier that a client creates; we keep it in the user's session."""

    def __init__(self) -> None:
        self.value = ""

    def get_item(self, key: str) -> str | None:
        return None

    def set_item(self, key: str, value: str) -> None:
        if key.endswith("-code-verifier"):
            self.value = value.partition("/")[0]

    def remove_item(self, key: str) -> None:
        """Do nothing: every client has its own storage."""


@contextmanager
def auth_client(
    access_token: str = "", verifier: VerifierStorage | None = None, *, key: str = ""
) -> Iterator[SyncGoTrueClient]:
    """Open a client for one operation, acting as a user if given their access token, or with another key.

    It shares no session, cookies or refresh token with other clients. What the request has stored before is
    committed, whatever the service answers.
    Raises IdentityError; IdentityUnavailable after `SUPABASE_TIMEOUT` seconds without an answer.
    """
    timeout = httpx.Timeout(settings.SUPABASE_TIMEOUT)
    hooks = {"response": [_refuse_pages]}
    with (
        outside_transaction(),
        LoggedClient(timeout=timeout, verify=_trusted(), trust_env=False, event_hooks=hooks) as http,
    ):
        usual_key, headers = _key_and_headers()
        options = ClientOptions(
            headers=headers,
            persist_session=False,
            auto_refresh_token=False,
            flow_type="pkce",
            storage=verifier or VerifierStorage(),
            httpx_client=http,
        )
        auth = create_client(settings.SUPABASE_URL, key or usual_key, options).auth
        try:
            if access_token:
                auth.set_session(access_token, "")
            yield auth
        except AuthError as error:
            raise translate_error(error) from error
        except (ValidationError, httpx.HTTPError) as error:
            # The response is not Supabase's: something stands in front of it.
            raise errors.IdentityUnavailable(UNAVAILABLE) from error


def _refuse_pages(response: httpx.Response) -> None:
    """Raise for a success that is a page: a maintenance page or a login in front of the service sends it."""
    if response.is_success and "html" in response.headers.get("content-type", ""):
        raise httpx.DecodingError("The answer is a page.", request=response.request)


def _key_and_headers() -> tuple[str, dict[str, str]]:
    """Return the key to send, and the header by which the service counts requests per person.

    It believes the header from holders of a secret key only:
    https://supabase.com/docs/guides/auth/rate-limits#ip-address-forwarding
    """
    address, secret_key = current_actor().address, settings.SUPABASE_SERVICE_KEY
    if settings.SUPABASE_FORWARD_ADDRESSES and secret_key and address_subject("", address) is not None:
        return secret_key, {"Sb-Forwarded-For": address}
    return settings.SUPABASE_ANON_KEY, {}


def tokens_of(session: Session | None) -> Tokens:
    """Return a session's tokens. Raises IdentityUnavailable if the service omitted them."""
    if session is None or session.expires_at is None:
        raise errors.IdentityUnavailable(UNAVAILABLE)
    return Tokens(
        access_token=session.access_token,
        refresh_token=session.refresh_token,
        expires_at=datetime.fromtimestamp(session.expires_at, UTC),
        has_second_factor=has_second_factor(session.user),
        confirmed_now=_is_confirmed_now(session.user),
    )


def is_usable(factor: Factor) -> bool:
    """Return whether a factor can be asked for here: a phone or a security key can't."""
    return factor.status == "verified" and factor.factor_type == "totp"


def has_second_factor(user: User) -> bool:
    return any(is_usable(factor) for factor in user.factors or [])


def _is_confirmed_now(user: User) -> bool:
    confirmed, signed_in = user.email_confirmed_at, user.last_sign_in_at
    return bool(confirmed and signed_in and abs(signed_in - confirmed) < JUST_NOW)


def translate_error(error: AuthError) -> errors.IdentityError:
    """Return our error for an error of the client."""
    status = getattr(error, "status", 0)
    if status >= 500 and code_of(error) is not None:
        # Auth's own failure: it can concern one account only.
        return errors.IdentityBusy(BUSY)
    if isinstance(error, AuthRetryableError | AuthUnknownError) or status >= 500:
        return errors.IdentityUnavailable(UNAVAILABLE)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        return errors.TooManyAttempts(_retry_after(error))
    if isinstance(error, AuthWeakPasswordError):
        return errors.PasswordRefused(error.message)
    if error.code is None:
        return _without_code(error, status)
    kind, message = REFUSALS.get(str(error.code), (None, ""))
    if kind is not None:
        return kind(message)
    if error.code == HOOK:
        # The words of the project's own hook, meant for its users.
        return errors.IdentityError(f"{error.message[:HOOK_LENGTH]} Nothing was changed.")
    # Not the message: it can contain user input.
    logger.error("Supabase Auth refused a request: status %s, code %s", status, error.code)
    return errors.IdentityError(REFUSED)


def _without_code(error: AuthError, status: int) -> errors.IdentityError:
    if not isinstance(error, AuthApiError):
        return errors.SessionEnded(ENDED)
    # A gateway in front of the service.
    logger.error("Supabase's gateway refused a request with status %s: is SUPABASE_ANON_KEY its key?", status)
    return errors.IdentityError(NOT_OURS)


def translate_refused_refresh(error: AuthApiError) -> errors.IdentityError:
    """Return SessionEnded, IdentityBusy, or what `translate_error` makes of limits and outages."""
    if error.status >= 500 or error.status == httpx.codes.TOO_MANY_REQUESTS:
        return translate_error(error)
    outcome = outcome_of_refresh(error.status, error.code)
    logger.warning("Supabase Auth refused a refresh: status %s, code %s", error.status, error.code)
    if outcome is Outcome.ENDED:
        return errors.SessionEnded(errors.DISABLED if error.code == "user_banned" else ENDED)
    return errors.IdentityBusy(BUSY)


def code_of(error: AuthError) -> str | None:
    """Return the service's code of an error; None if a gateway refused, or nobody answered."""
    if error.code is not None:
        return str(error.code)
    # The client drops the code of some statuses.
    cause = error.__cause__
    return cause.response.headers.get("x-sb-error-code") if isinstance(cause, httpx.HTTPStatusError) else None


def _retry_after(error: AuthError) -> int:
    cause = error.__cause__
    header = cause.response.headers.get("Retry-After", "") if isinstance(cause, httpx.HTTPStatusError) else ""
    match = re.search(r"after ([0-9]{1,9}) second", error.message)
    seconds = whole_number(header if header else match[1] if match else "")
    return DEFAULT_RETRY_SECONDS if seconds is None else max(1, min(seconds, _LONGEST_RETRY_SECONDS))

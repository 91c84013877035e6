"""What a person reads when Supabase Auth refuses something: one table, by the service's codes.

Source: https://supabase.com/docs/guides/auth/debugging/error-codes
"""

from __future__ import annotations

from agentforge.accounts import errors

UNAVAILABLE = "The identity service does not answer. Nothing was changed. Try again in a minute."
BUSY = "The identity service is busy. Nothing was changed. Try again in a minute."
ENDED = "Your session has ended. Sign in again."
SPENT = "This link or code is no longer valid: it was used, replaced or has expired. Ask for a new one."
REFUSED = "The identity service refused this. Nothing was changed. An operator can see why."
_NOT_HERE = "This site does not offer that. Nothing was changed."
_OPERATOR = "The identity service is not set up for this. Nothing was changed. Tell an operator."
_PROVIDER = "The provider's answer was not complete. Nothing was changed. Try again from the sign-in page."
_TAKEN = "This address has an account. Sign in with its password."

Refusal = tuple[type[errors.IdentityError], str]


def _alike(kind: type[errors.IdentityError], message: str, *codes: str) -> dict[str, Refusal]:
    return dict.fromkeys(codes, (kind, message))


REFUSALS: dict[str, Refusal] = {
    # Passwords
    "invalid_credentials": (errors.WrongCredentials, errors.WRONG_CREDENTIALS),
    "current_password_required": (errors.WrongCredentials, "The current password is needed."),
    "current_password_invalid": (errors.WrongCredentials, "The current password is not right."),
    "same_password": (errors.SamePassword, "This is your password already. Choose another one."),
    "weak_password": (errors.PasswordRefused, "The identity service finds this password too weak."),
    "reauthentication_needed": (errors.CodeNeeded, "We sent you a mail. Type its code to go on."),
    # Addresses and accounts
    "email_not_confirmed": (
        errors.EmailNotConfirmed,
        "Your address is not confirmed yet. Follow the link in the mail, or ask for another one.",
    ),
    "user_banned": (errors.IdentityError, errors.DISABLED),
    "signup_disabled": (
        errors.IdentityError,
        "Sign-up is closed here: no account was made.",
    ),
    "email_address_invalid": (errors.IdentityError, "The identity service does not accept this address."),
    "email_address_not_authorized": (
        errors.IdentityError,
        "The identity service does not write to this address yet: its mails go to the operators only. "
        "Nothing was changed. Tell an operator.",
    ),
    "email_address_not_provided": (
        errors.IdentityError,
        "The provider named no e-mail address, which an account needs. Nothing was changed.",
    ),
    "provider_email_needs_verification": (
        errors.EmailNotConfirmed,
        "Your account was made. Follow the link in the mail to confirm your address, then sign in.",
    ),
    **_alike(errors.IdentityError, _TAKEN, "user_already_exists", "email_exists"),
    "user_sso_managed": (
        errors.IdentityError,
        "Your organization manages this account: change it there. Nothing was changed here.",
    ),
    "validation_failed": (
        errors.IdentityError,
        "The identity service does not accept this: something is too long, or not in a form that it knows. "
        "Nothing was changed.",
    ),
    # Links, codes and flows
    **_alike(
        errors.CodeRefused,
        SPENT,
        "otp_expired",
        "bad_code_verifier",
        "flow_state_not_found",
        "flow_state_expired",
        "flow_state_already_used",
        "reauthentication_not_valid",
        "invite_not_found",
    ),
    **_alike(errors.IdentityError, _PROVIDER, "bad_oauth_state", "bad_oauth_callback", "oauth_invalid_state"),
    # The second factor
    "mfa_verification_failed": (errors.CodeRefused, "The code is not right. Type the one that shows now."),
    "mfa_challenge_expired": (errors.CodeRefused, "That took too long. Type the code that shows now."),
    "mfa_ip_address_mismatch": (
        errors.CodeRefused,
        "The identity service saw this from two addresses. Type the code that shows now. "
        "If it goes on, tell an operator.",
    ),
    "mfa_verification_rejected": (
        errors.CodeRefused,
        "The identity service did not accept this code. Wait for the next one, or ask an operator.",
    ),
    "mfa_factor_not_found": (errors.CodeRefused, "This authenticator is not enrolled any more."),
    "mfa_factor_name_conflict": (
        errors.IdentityError,
        "An authenticator has this name. Start again.",
    ),
    "mfa_verified_factor_exists": (errors.IdentityError, "You have such a second factor already."),
    "too_many_enrolled_mfa_factors": (
        errors.IdentityError,
        "You have as many authenticators as the identity service allows. Remove one first.",
    ),
    **_alike(
        errors.IdentityError,
        "Authenticator apps can't be added at present: the identity service has them turned off. "
        "Nothing was changed.",
        "mfa_totp_enroll_not_enabled",
    ),
    **_alike(
        errors.IdentityError,
        "Authenticator apps can't be checked at present: the identity service has them turned off. "
        "Tell an operator.",
        "mfa_totp_verify_not_enabled",
    ),
    "insufficient_aal": (errors.SecondFactorNeeded, "Pass your second factor first. Nothing was changed."),
    # Linked identities
    "single_identity_not_deletable": (
        errors.IdentityError,
        "This is your only way to sign in, so it stays. Add another one first.",
    ),
    "email_conflict_identity_not_deletable": (
        errors.IdentityError,
        "It can't be unlinked: another account has the address that would remain.",
    ),
    "identity_not_found": (errors.IdentityError, "This way to sign in is not linked any more."),
    "identity_already_exists": (
        errors.IdentityError,
        "This way to sign in belongs to an account already. Nothing was changed. Sign in with it, "
        "and unlink it there first.",
    ),
    "manual_linking_disabled": (
        errors.IdentityError,
        "Linking by hand is turned off here. Nothing was changed. A provider that names the address of your "
        "account is linked when you sign in with it.",
    ),
    # Sessions
    **_alike(
        errors.SessionEnded,
        ENDED,
        "session_not_found",
        "session_expired",
        "refresh_token_not_found",
        "refresh_token_already_used",
        "bad_jwt",
        "user_not_found",
        "no_authorization",
    ),
    # The project's settings
    "captcha_failed": (
        errors.IdentityError,
        "The identity service asks for a captcha, which this site does not show. Nothing was changed. "
        "Tell an operator.",
    ),
    "email_provider_disabled": (
        errors.IdentityError,
        "Signing in by e-mail address is turned off. Use another way, or ask an operator.",
    ),
    **_alike(
        errors.IdentityError,
        "Signing in with this provider is turned off. Use another way, or ask an operator.",
        "provider_disabled",
        "oauth_provider_not_supported",
    ),
    **_alike(errors.IdentityError, _NOT_HERE, "anonymous_provider_disabled", "otp_disabled"),
    **_alike(
        errors.IdentityError,
        _OPERATOR,
        "not_admin",
        "bad_json",
        "feature_disabled",
        "hook_payload_invalid_content_type",
        "hook_payload_over_size_limit",
        "request_entity_too_large",
    ),
    # For now
    **_alike(
        errors.IdentityBusy,
        BUSY,
        "conflict",
        "hook_timeout",
        "hook_timeout_after_retry",
        "over_email_send_rate_limit",
        "over_request_rate_limit",
        "request_timeout",
        "unexpected_failure",
    ),
}

# The codes of redirects, which the table does not have or has for another place.
_REDIRECTS = {
    "otp_expired": (
        "This link was used or has expired. If a scanner of your mail opened it, your address is confirmed: "
        "sign in with your password. Otherwise ask for a new mail."
    ),
    "access_denied": "The sign-in was not finished: it was refused at the provider. Nothing was changed.",
    "unexpected_failure": "The sign-in was not finished: the provider or the identity service failed.",
}
_UNFINISHED = "The sign-in was not finished. Nothing was changed. Try again, or ask for a new mail."


def redirect_words(error: str, code: str) -> str:
    """Return what a redirect with an error says; never its own text, which anybody can write into a link."""
    for name in (code, error):
        if name in _REDIRECTS:
            return _REDIRECTS[name]
        if name in REFUSALS:
            return REFUSALS[name][1]
    return _UNFINISHED

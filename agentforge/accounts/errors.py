"""Errors of the identity service."""

from __future__ import annotations

DISABLED = "This account is disabled. Ask an operator."
WRONG_CREDENTIALS = "The e-mail address or the password is not right. You are not signed in."


class IdentityError(Exception):
    """The identity service refused or failed; `str()` can be shown to the user."""


class WrongCredentials(IdentityError):
    """The e-mail address or the password is wrong; the message does not say which."""


class TooManyAttempts(IdentityError):
    """No more attempts are accepted for `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many attempts. Nothing was changed. Try again in {minutes} {unit}.")


class SessionEnded(IdentityError):
    """The refresh token was used, revoked, expired or is unknown: the user has to sign in again."""


class IdentityUnavailable(IdentityError):
    """The identity service does not answer; verified sessions stay valid until their token expires."""


class IdentityBusy(IdentityUnavailable):
    """The identity service answers, but refuses this one request for now."""


class AddressTaken(IdentityError):
    """The address belongs to another account."""

    def __init__(self) -> None:
        super().__init__(
            "This address has an account already. Use another one; or download your agents, sign in, and "
            "import them there. What you made as a guest is still here."
        )


class NoGuests(IdentityError):
    """The identity service makes no accounts without an address."""

    def __init__(self) -> None:
        super().__init__(
            "This site takes no guests at present: its identity service makes no accounts without an "
            "address. Nothing was made. Sign up instead."
        )


class EmailNotConfirmed(IdentityError):
    """The password is correct, but the address is not confirmed yet."""


class PasswordRefused(IdentityError):
    """The identity service does not accept this password."""


class SamePassword(PasswordRefused):
    """The new password is the one that the account has."""


class CodeRefused(IdentityError):
    """A mailed link or code, or an authenticator's code, is wrong, used or expired."""


class CodeNeeded(IdentityError):
    """This change needs the code that was just mailed."""


class SecondFactorNeeded(IdentityError):
    """This change needs a session with a verified second factor."""

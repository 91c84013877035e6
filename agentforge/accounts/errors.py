"""What the identity service can refuse or fail to do; each message is fit to show to the person."""

from __future__ import annotations

WRONG_CREDENTIALS = "The e-mail address or the password is not right. You are not signed in."


class IdentityError(Exception):
    """What the identity service could not do; `str()` is fit to show to the person."""


class WrongCredentials(IdentityError):
    """The address and the password do not belong together; which of them is wrong stays unsaid."""


class TooManyAttempts(IdentityError):
    """Attempts have to pause for `retry_after` seconds."""

    def __init__(self, retry_after: int) -> None:
        self.retry_after = retry_after
        minutes = -(-retry_after // 60)
        unit = "minute" if minutes == 1 else "minutes"
        super().__init__(f"Too many attempts. Nothing was changed. Try again in {minutes} {unit}.")


class SessionEnded(IdentityError):
    """The refresh token is spent, revoked, expired or unknown: the person has to sign in again."""


class IdentityUnavailable(IdentityError):
    """The identity service does not answer; verified sessions go on until their token expires."""


class EmailNotConfirmed(IdentityError):
    """The password is right, and the address still waits for its confirmation."""


class PasswordRefused(IdentityError):
    """The identity service does not take this password."""


class CodeRefused(IdentityError):
    """A mailed link or code, or an authenticator's code, is wrong, spent or too old."""


class CodeNeeded(IdentityError):
    """A code was mailed, and this change needs it."""


class SecondFactorNeeded(IdentityError):
    """This change needs a session whose second factor was passed."""

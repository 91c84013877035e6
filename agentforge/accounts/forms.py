from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.password_validation import password_validators_help_texts, validate_password

from agentforge.json_forms import JsonForm

from .models import ApiToken, User

if TYPE_CHECKING:
    from .identity.supabase_factors import Factor

# Long enough for any passphrase, short enough to be cheap to hash.
PASSWORD_MAX_LENGTH = 256
# Supabase Auth hashes passwords with bcrypt, which reads no more.
SUPABASE_PASSWORD_BYTES = 72
TOO_LONG = (
    f"This password is too long: {SUPABASE_PASSWORD_BYTES} characters at most. Letters with accents, "
    "and those of other scripts, count for several."
)
# The addresses that it takes: https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address
_SUPABASE_ADDRESS = re.compile(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
    r"(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)
NOT_ASCII = "Only plain letters are taken: write the domain in its xn-- form, and nothing in quotes."


class EmailField(forms.EmailField):
    """An e-mail address, lower-cased: people do not always type their own in the same case."""

    def clean(self, value: Any) -> str:
        email = str(super().clean(value)).lower()
        if email and settings.SUPABASE_URL and not _SUPABASE_ADDRESS.fullmatch(email):
            raise forms.ValidationError(NOT_ASCII)
        return email


class EmailForm(JsonForm):
    email = EmailField(
        label="E-mail address",
        max_length=254,
        # HTML lets a user name be filled into a text field only.
        widget=forms.TextInput(
            attrs={
                "autocomplete": "username",
                "inputmode": "email",
                "autocapitalize": "none",
                "spellcheck": "false",
                "autofocus": True,
            }
        ),
        error_messages={"required": "Enter your e-mail address."},
    )


class SignInForm(EmailForm):
    password = forms.CharField(
        label="Password",
        max_length=PASSWORD_MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your password."},
    )


class NewPasswordField(forms.CharField):
    """A new password; `check_new_password` validates it."""

    def __init__(self) -> None:
        super().__init__(
            label="Password",
            max_length=PASSWORD_MAX_LENGTH,
            strip=False,
            help_text=" ".join(password_validators_help_texts()),
            widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
            error_messages={"required": "Choose a password."},
        )


def check_new_password(form: forms.Form, email: str) -> None:
    """Add errors to a form if its new password is not acceptable."""
    password = form.cleaned_data.get("password")
    if password and settings.SUPABASE_URL and len(password.encode()) > SUPABASE_PASSWORD_BYTES:
        form.add_error("password", TOO_LONG)
    elif password:
        try:
            validate_password(password, User(email=email))
        except forms.ValidationError as error:
            form.add_error("password", error)


class SignUpForm(EmailForm):
    password = NewPasswordField()

    def clean(self) -> dict[str, Any]:
        check_new_password(self, self.cleaned_data.get("email", ""))
        return self.cleaned_data


class PasswordForm(JsonForm):
    """Change the password; requires the current one, except after a recovery mail."""

    current = forms.CharField(
        label="Current password",
        max_length=PASSWORD_MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your current password."},
    )
    password = NewPasswordField()
    code = forms.CharField(max_length=20, required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, email: str, recovering: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email
        if recovering:
            del self.fields["current"]

    def clean(self) -> dict[str, Any]:
        check_new_password(self, self._email)
        return self.cleaned_data

    def show_code_field(self) -> None:
        """Show the field for the mailed code."""
        self.fields["code"].widget = forms.TextInput(attrs={"autocomplete": "one-time-code"})


class NewPasswordForm(JsonForm):
    """A new password, by a mailed link."""

    password = NewPasswordField()

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean(self) -> dict[str, Any]:
        check_new_password(self, self._email)
        return self.cleaned_data


class NewAddressForm(EmailForm):
    """A new address for an account, by who knows its password."""

    current = forms.CharField(
        label="Current password",
        max_length=PASSWORD_MAX_LENGTH,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": "Enter your current password."},
    )


class ThemeForm(JsonForm):
    """The colours of this browser's pages; `auto` follows its system."""

    theme = forms.ChoiceField(
        label="Theme", choices=[("auto", "As the system"), ("light", "Light"), ("dark", "Dark")]
    )


class DeletionForm(JsonForm):
    """The typed confirmation of deleting an account."""

    email = EmailField(
        label="Your e-mail address",
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Type your e-mail address to confirm."},
    )

    def __init__(self, *args: Any, email: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._email = email

    def clean_email(self) -> str:
        if self.cleaned_data["email"] != self._email:
            raise forms.ValidationError("This is not the address of this account. Nothing was deleted.")
        return self._email


class CodeForm(EmailForm):
    code = forms.CharField(
        label="Code from the mail",
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": "Type the code from the mail."},
    )
    kind = forms.ChoiceField(
        choices=[("email", "sign in"), ("recovery", "new password")],
        required=False,
        widget=forms.HiddenInput,
    )

    def clean_kind(self) -> str:
        return str(self.cleaned_data["kind"]) or "email"


class LinkForm(JsonForm):
    """The query of a mailed link: `/accounts/confirm/?token_hash={{ .TokenHash }}&type=signup`."""

    token_hash = forms.RegexField(r"^[A-Za-z0-9_-]{1,200}$", widget=forms.HiddenInput)
    type = forms.ChoiceField(
        choices=[
            (kind, kind) for kind in ("signup", "invite", "email", "magiclink", "recovery", "email_change")
        ],
        widget=forms.HiddenInput,
    )


class FactorForm(JsonForm):
    """The six digits of an authenticator app."""

    factor = forms.UUIDField(label="Authenticator", widget=forms.HiddenInput)
    code = forms.RegexField(
        r"^\d{6}$",
        label="Code from your authenticator app",
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "maxlength": 6}
        ),
        error_messages={"required": "Type the six digits.", "invalid": "The code has six digits."},
    )

    def __init__(
        self, *args: Any, factors: Sequence[Factor] = (), factor_id: str = "", **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if len(factors) > 1:
            choices = [
                (factor.id, f"{factor.name}, since {factor.created_at:%d %b %Y}") for factor in factors
            ]
            self.fields["factor"].widget = forms.Select(choices=choices)
        self.fields["factor"].initial = factor_id or next((factor.id for factor in factors), "")

    def clean_factor(self) -> str:
        return str(self.cleaned_data["factor"])


class RefreshForm(JsonForm):
    refresh_token = forms.CharField(max_length=4096)


class ApiTokenForm(JsonForm):
    """A new API token."""

    name = forms.CharField(
        label="What is it for?",
        max_length=60,
        widget=forms.TextInput(attrs={"placeholder": "Nightly builds", "autocomplete": "off"}),
        error_messages={"required": "Give the token a name, so that you can tell it from others."},
    )
    scope = forms.ChoiceField(label="It may", choices=ApiToken.Scope.choices)
    days = forms.TypedChoiceField(
        label="It expires after",
        coerce=int,
        choices=[(7, "7 days"), (30, "30 days"), (90, "90 days"), (365, "a year")],
    )


class SignOutForm(JsonForm):
    scope = forms.ChoiceField(required=False, choices=[("here", "here"), ("everywhere", "everywhere")])

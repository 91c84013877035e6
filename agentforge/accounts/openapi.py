"""Describe to scripts the addresses of an account."""

from __future__ import annotations

from agentforge.audit.actions import Action
from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    ANYTHING,
    INTEGER,
    STRING,
    TIME,
    array,
    mapping,
    nullable,
    one_of,
    record,
)

from .forms import (
    CodeForm,
    EmailForm,
    FactorForm,
    PasswordForm,
    RefreshForm,
    SignInForm,
    SignOutForm,
    SignUpForm,
)
from .views.activity import KindForm

_SUBJECT = record({"kind": STRING, "id": STRING, "label": STRING})
_EVENT = record(
    {
        "id": INTEGER,
        "created_at": TIME,
        "action": one_of(Action.values),
        "who": STRING,
        "subject": _SUBJECT,
        "detail": mapping(ANYTHING),
        "address": STRING,
    }
)
_SAID = {"detail": STRING}
_TOKENS = record({"token_type": STRING, "access_token": STRING, "refresh_token": STRING, "expires_at": TIME})
_ENTERED = {**_SAID, "tokens": nullable(_TOKENS)}
_ENTRY = (
    "A script that sends JSON and no cookie gets `tokens`. A page in a browser, which sends a CSRF token, "
    "gets a session's cookie, and null for `tokens`."
)
_ENTERING = ("code", "second_factor", "second_factor_finish")
_SUPABASE = "There while a Supabase project is the identity service."

describe(
    "accounts:jwks",
    get=Operation("Get the keys that tokens are signed with", document=mapping(ANYTHING), public=True),
)
describe(
    "accounts:activity",
    get=Operation(
        "List what was done in your account, newest first",
        {"events": array(_EVENT), "pages": INTEGER},
        query=KindForm,
        parameters={"page": INTEGER},
    ),
)
describe(
    "accounts:password",
    post=Operation("Change your password; your other sign-ins end", _SAID, forms=[PasswordForm]),
)
describe(
    "accounts:sign_in",
    post=Operation("Sign in by password", _ENTERED, forms=[SignInForm], public=True, note=_ENTRY),
)
describe(
    "accounts:sign_up",
    post=Operation(
        "Make an account; `tokens` is null while a mail waits to be followed",
        _ENTERED,
        forms=[SignUpForm],
        public=True,
        note=_ENTRY,
    ),
)
describe(
    "accounts:token",
    post=Operation(
        "Exchange a refresh token for new tokens", {"tokens": _TOKENS}, forms=[RefreshForm], public=True
    ),
)
describe(
    "accounts:sign_out",
    post=Operation("Sign out, here or everywhere; tokens end at once", _SAID, forms=[SignOutForm]),
)
for _name, _summary, _form, _public in (
    ("email", "Ask to move the account to another address", EmailForm, False),
    ("mail", "Ask for a mail that signs in", EmailForm, True),
    ("recovery", "Ask for a mail that lets a new password be set", EmailForm, True),
    ("code", "Enter the code of a mail", CodeForm, True),
    ("second_factor", "Pass the second factor", FactorForm, False),
    ("second_factor_finish", "Finish the enrolment of an authenticator", FactorForm, False),
):
    describe(
        f"accounts:{_name}",
        post=Operation(
            _summary,
            _ENTERED if _name in _ENTERING else _SAID,
            forms=[_form],
            public=_public,
            note=_SUPABASE,
        ),
    )

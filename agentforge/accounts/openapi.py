"""OpenAPI descriptions of the account's URLs."""

from __future__ import annotations

from agentforge.audit.actions import Action
from agentforge.openapi.operations import Operation, describe
from agentforge.openapi.schemas import (
    ANYTHING,
    BOOLEAN,
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
    ApiTokenForm,
    CodeForm,
    DeletionForm,
    EmailForm,
    FactorForm,
    NewAddressForm,
    PasswordForm,
    RefreshForm,
    SignInForm,
    SignOutForm,
    SignUpForm,
)
from .models import ApiToken
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
_DETAIL = {"detail": STRING}
_TOKENS = record({"token_type": STRING, "access_token": STRING, "refresh_token": STRING, "expires_at": TIME})
_SIGNED_IN = {**_DETAIL, "tokens": nullable(_TOKENS)}
_SUPABASE = "Available only if a Supabase project is the identity service."
_BY_EACH_SERVICE = ("email", "recovery")
_SESSION = record(
    {
        "id": STRING,
        "browser": STRING,
        "address": STRING,
        "created_at": TIME,
        "seen_at": TIME,
        "is_current": BOOLEAN,
    }
)
_API_TOKEN = record(
    {
        "id": STRING,
        "name": STRING,
        "hint": STRING,
        "scope": one_of(ApiToken.Scope.values),
        "created_at": TIME,
        "expires_at": TIME,
        "last_used_at": nullable(TIME),
    }
)
_TOKENS_NOTE = (
    "A script that sends JSON and no cookies receives `tokens`. A browser page, which sends a CSRF token, "
    "receives a session cookie, and `tokens` is null."
)
_SIGN_IN_NAMES = ("code", "second_factor", "second_factor_finish")

describe(
    "accounts:jwks",
    get=Operation("Get the public keys that verify tokens", document=mapping(ANYTHING), public=True),
)
describe(
    "accounts:activity",
    get=Operation(
        "List the events of your account, newest first",
        {"events": array(_EVENT), "pages": INTEGER},
        query=KindForm,
    ),
)
describe(
    "accounts:export",
    get=Operation("Download everything of yours as a ZIP archive", media="application/zip"),
)
describe(
    "accounts:delete",
    post=Operation("Delete the account with everything in it", _DETAIL, forms=[DeletionForm]),
)
describe(
    "accounts:sessions",
    get=Operation("List the browsers that are signed in to your account", {"sessions": array(_SESSION)}),
)
describe("accounts:session_end", post=Operation("Sign one browser out", _DETAIL))
describe(
    "accounts:session_end_others",
    post=Operation("Sign out all other browsers, and scripts that signed in", _DETAIL),
)
describe(
    "accounts:api_tokens",
    get=Operation("List your API tokens", {"tokens": array(_API_TOKEN)}),
    post=Operation(
        "Create an API token; `secret` is shown only now",
        {"tokens": array(_API_TOKEN), "secret": STRING},
        forms=[ApiTokenForm],
        note="API tokens themselves can't be used for the account's URLs.",
    ),
)
describe("accounts:api_token_revoke", post=Operation("Revoke an API token", _DETAIL))
describe(
    "accounts:identities",
    get=Operation(
        "List the linked ways to sign in",
        {"identities": array(record({"id": STRING, "label": STRING, "email": STRING}))},
        note=_SUPABASE,
    ),
)
describe("accounts:identity_unlink", post=Operation("Unlink a way to sign in", _DETAIL, note=_SUPABASE))
describe(
    "accounts:password",
    post=Operation("Change your password and end your other sessions", _DETAIL, forms=[PasswordForm]),
)
describe(
    "accounts:sign_in",
    post=Operation("Sign in with a password", _SIGNED_IN, forms=[SignInForm], public=True, note=_TOKENS_NOTE),
)
describe(
    "accounts:sign_up",
    post=Operation(
        "Create an account; `tokens` is null until its mail is confirmed",
        _SIGNED_IN,
        forms=[SignUpForm],
        public=True,
        note=_TOKENS_NOTE,
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
    post=Operation("Sign out, here or everywhere; tokens are revoked at once", _DETAIL, forms=[SignOutForm]),
)
for _name, _summary, _form, _public in (
    ("email", "Change the account's e-mail address", NewAddressForm, False),
    ("mail", "Request a sign-in mail", EmailForm, True),
    ("recovery", "Request a mail for setting a new password", EmailForm, True),
    ("code", "Enter the code from a mail", CodeForm, True),
    ("second_factor", "Verify the second factor", FactorForm, False),
    ("second_factor_finish", "Finish the enrolment of an authenticator", FactorForm, False),
):
    describe(
        f"accounts:{_name}",
        post=Operation(
            _summary,
            _SIGNED_IN if _name in _SIGN_IN_NAMES else _DETAIL,
            forms=[_form],
            public=_public,
            note="" if _name in _BY_EACH_SERVICE else _SUPABASE,
        ),
    )

from django.urls import path

from .views import (
    account,
    activity,
    api_tokens,
    deletion,
    guests,
    identities,
    local_mail,
    mail,
    providers,
    second_factor,
    sessions,
    sign_in,
)

app_name = "accounts"

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-up/", sign_in.sign_up, name="sign_up"),
    path("accounts/guest/", guests.guest, name="guest"),
    path("accounts/token/", sign_in.token, name="token"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path(".well-known/jwks.json", sign_in.jwks, name="jwks"),
    path("accounts/", account.account, name="account"),
    path("activity/", activity.activity, name="activity"),
    path("accounts/password/", account.password, name="password"),
    path("accounts/email/", account.email, name="email"),
    path("accounts/sessions/", sessions.session_list, name="sessions"),
    path("accounts/sessions/end-others/", sessions.session_end_others, name="session_end_others"),
    path("accounts/sessions/<uuid:session_id>/end/", sessions.session_end, name="session_end"),
    path("accounts/tokens/", api_tokens.token_list, name="api_tokens"),
    path("accounts/tokens/<uuid:token_id>/revoke/", api_tokens.token_revoke, name="api_token_revoke"),
    path("accounts/identities/", identities.identity_list, name="identities"),
    path("accounts/identities/with/<slug:code>/", providers.link, name="identity_link"),
    path(
        "accounts/identities/<uuid:identity_id>/unlink/", identities.identity_unlink, name="identity_unlink"
    ),
    path("accounts/new-address/<str:token>/", local_mail.email_confirm, name="email_confirm"),
    path("accounts/reset/<str:token>/", local_mail.reset, name="reset"),
    path("accounts/theme/", account.theme, name="theme"),
    path("accounts/export/", deletion.export, name="export"),
    path("accounts/delete/", deletion.delete, name="delete"),
    path("accounts/mail/", mail.sign_in_mail, name="mail"),
    path("accounts/recovery/", mail.recovery_mail, name="recovery"),
    path("accounts/code/", mail.code, name="code"),
    path("accounts/confirm/", mail.confirm, name="confirm"),
    path("accounts/callback/", mail.callback, name="callback"),
    path("accounts/with/<slug:code>/", providers.provider, name="provider"),
    path("accounts/second-factor/", second_factor.second_factor, name="second_factor"),
    path("accounts/second-factor/enrol/", second_factor.enrol, name="second_factor_enrol"),
    path("accounts/second-factor/finish/", second_factor.finish, name="second_factor_finish"),
    path(
        "accounts/second-factor/<uuid:factor_id>/remove/", second_factor.remove, name="second_factor_remove"
    ),
]

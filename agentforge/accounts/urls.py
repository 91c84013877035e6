from django.urls import path

from .views import account, activity, mail, providers, second_factor, sign_in

app_name = "accounts"

urlpatterns = [
    path("sign-in/", sign_in.sign_in, name="sign_in"),
    path("sign-up/", sign_in.sign_up, name="sign_up"),
    path("accounts/token/", sign_in.token, name="token"),
    path("sign-out/", sign_in.sign_out, name="sign_out"),
    path(".well-known/jwks.json", sign_in.jwks, name="jwks"),
    path("accounts/", account.account, name="account"),
    path("activity/", activity.activity, name="activity"),
    path("accounts/password/", account.password, name="password"),
    path("accounts/email/", account.email, name="email"),
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

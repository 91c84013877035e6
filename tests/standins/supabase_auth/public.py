from __future__ import annotations

from .call import Call, Reply, routes


@routes.on("GET", "/.well-known/jwks.json")
def jwks(call: Call) -> Reply:
    call.service.jwks_reads += 1
    return Reply(call.service.keys.jwks(), headers={"Cache-Control": "public, max-age=600"})


@routes.on("GET", "/health")
def health(call: Call) -> Reply:
    return Reply({"version": "v2", "name": "GoTrue", "description": "GoTrue is a user registration API"})


@routes.on("GET", "/settings")
def settings(call: Call) -> Reply:
    providers = dict.fromkeys(("apple", "azure", "github", "gitlab", "google"), False)
    enabled = dict.fromkeys(call.service.providers, True)
    return Reply(
        {
            "external": {
                "anonymous_users": call.service.anonymous_users,
                "email": call.service.email_users,
                "phone": call.service.phone_users,
                **providers,
                **enabled,
            },
            "disable_signup": call.service.sign_up_disabled,
            "mailer_autoconfirm": call.service.autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
        }
    )

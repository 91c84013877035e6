from __future__ import annotations

from .call import Call, Reply, routes

PROVIDERS = [
    "apple",
    "azure",
    "bitbucket",
    "discord",
    "facebook",
    "snapchat",
    "figma",
    "fly",
    "github",
    "gitlab",
    "google",
    "keycloak",
    "kakao",
    "linkedin",
    "linkedin_oidc",
    "notion",
    "spotify",
    "slack",
    "slack_oidc",
    "workos",
    "twitch",
    "twitter",
    "zoom",
]


@routes.on("GET", "/.well-known/jwks.json")
def jwks(call: Call) -> Reply:
    call.service.jwks_reads += 1
    return Reply(call.service.keys.jwks(), headers={"Cache-Control": "public, max-age=600"})


@routes.on("GET", "/health")
def health(call: Call) -> Reply:
    description = "GoTrue is a user registration and authentication API"
    return Reply({"version": "v2", "name": "GoTrue", "description": description})


@routes.on("GET", "/settings")
def settings(call: Call) -> Reply:
    enabled = {name: name in call.service.providers for name in PROVIDERS}
    return Reply(
        {
            "external": {
                "anonymous_users": call.service.anonymous_users,
                "email": call.service.email_users,
                "phone": call.service.phone_users,
                **enabled,
            },
            "disable_signup": call.service.sign_up_disabled,
            "mailer_autoconfirm": call.service.autoconfirm,
            "phone_autoconfirm": False,
            "sms_provider": "",
            "saml_enabled": False,
            "saml_private_key_next_configured": True,
            "passkeys_enabled": False,
        }
    )

"""Run the tests against a Supabase Auth that was built from its sources: its settings, and a gateway.

    python -m tests.standins.supabase_gateway settings DATABASE_URL > auth.env
    python -m tests.standins.supabase_gateway serve

The gateway checks the key, takes `/auth/v1` off the path, and passes everything on. It keeps the service's
mails, at `/mails`. It prints the variables that the tests read. CONTRIBUTING.md has the other steps.
"""

from __future__ import annotations

import base64
import html
import json
import re
import sys
import threading
import time
from dataclasses import asdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from jwt.algorithms import ECAlgorithm

from .mail_sink import Delivery, MailSink
from .supabase_auth import Mail

PORT, SERVICE_PORT, MAIL_PORT = 8151, 8152, 8153
URL, PREFIX = f"http://127.0.0.1:{PORT}", "/auth/v1"
OPEN = ("/verify", "/callback", "/authorize", "/.well-known/")
# A project's legacy keys are tokens for its roles, signed with it.
SECRET = "a secret for tests, of at least 32 characters"
# The service's names of its mails, and ours of what they confirm.
MAILS = {
    "CONFIRMATION": "signup",
    "EMAIL_CHANGE": "email_change",
    "INVITE": "invite",
    "MAGIC_LINK": "magiclink",
    "REAUTHENTICATION": "reauthentication",
    "RECOVERY": "recovery",
}
TEMPLATE = "<p>{kind} {{{{ .Token }}}} {{{{ .TokenHash }}}} {{{{ .ConfirmationURL }}}}</p>"
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length", "host"}


def settings(database_url: str) -> dict[str, Any]:
    """Return the service's environment: confirmation mails, an ES256 key, few limits."""
    return {
        **{f"GOTRUE_MAILER_TEMPLATES_{name}": f"{URL}/templates/{kind}" for name, kind in MAILS.items()},
        "API_EXTERNAL_URL": URL + PREFIX,
        "DATABASE_URL": database_url,
        "DB_NAMESPACE": "auth",
        "GOTRUE_API_HOST": "127.0.0.1",
        "GOTRUE_DB_DRIVER": "postgres",
        "GOTRUE_EXTERNAL_ANONYMOUS_USERS_ENABLED": "true",
        "GOTRUE_EXTERNAL_GITHUB_CLIENT_ID": "tests",
        "GOTRUE_EXTERNAL_GITHUB_ENABLED": "true",
        "GOTRUE_EXTERNAL_GITHUB_REDIRECT_URI": f"{URL}{PREFIX}/callback",
        "GOTRUE_EXTERNAL_GITHUB_SECRET": "tests",
        "GOTRUE_JWT_ADMIN_ROLES": "service_role",
        "GOTRUE_JWT_AUD": "authenticated",
        "GOTRUE_JWT_DEFAULT_GROUP_NAME": "authenticated",
        "GOTRUE_JWT_ISSUER": URL + PREFIX,
        "GOTRUE_JWT_KEYS": json.dumps(_signing_keys()),
        "GOTRUE_JWT_SECRET": SECRET,
        "GOTRUE_LOG_LEVEL": "warn",
        "GOTRUE_MAILER_AUTOCONFIRM": "false",
        "GOTRUE_MFA_TOTP_ENROLL_ENABLED": "true",
        "GOTRUE_MFA_TOTP_VERIFY_ENABLED": "true",
        "GOTRUE_SECURITY_MANUAL_LINKING_ENABLED": "true",
        "GOTRUE_SITE_URL": "http://testserver",
        "GOTRUE_RATE_LIMIT_ANONYMOUS_USERS": 100_000,
        "GOTRUE_RATE_LIMIT_EMAIL_SENT": "100000/1h",
        "GOTRUE_SMTP_ADMIN_EMAIL": "forge@example.com",
        "GOTRUE_SMTP_HOST": "127.0.0.1",
        "GOTRUE_SMTP_MAX_FREQUENCY": "1ns",
        "GOTRUE_SMTP_PORT": MAIL_PORT,
        "GOTRUE_URI_ALLOW_LIST": "http://testserver/**",
        "PORT": SERVICE_PORT,
    }


def _signing_keys() -> list[dict[str, Any]]:
    members: dict[str, Any] = ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP256R1()), as_dict=True)
    current = {"kid": "tests", "alg": "ES256", "use": "sig", "key_ops": ["sign", "verify"], "ext": True}
    secret = base64.urlsafe_b64encode(SECRET.encode()).rstrip(b"=").decode()
    legacy = {"kty": "oct", "k": secret, "kid": "legacy", "alg": "HS256", "key_ops": ["verify"]}
    return [{**members, **current}, legacy]


def key_of(role: str) -> str:
    """Return a project's legacy key."""
    claims = {"role": role, "iss": "supabase", "iat": 1_700_000_000, "exp": int(time.time()) + 86_400}
    return jwt.encode(claims, SECRET, algorithm="HS256")


def mail_of(delivery: Delivery) -> Mail:
    """Return what a mail says, which was made of our template."""
    words = re.sub(r"</?p>", "", html.unescape(delivery.text)).split()
    kind, code, hashed, link = [*words, "", "", ""][:4]
    return Mail(delivery.to, kind, code, hashed, link)


class Gateway(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", PORT), _Handler)
        self.mails = MailSink(MAIL_PORT)
        self.keys = {role: key_of(role) for role in ("anon", "service_role")}
        self.service = httpx.Client(
            base_url=f"http://127.0.0.1:{SERVICE_PORT}", timeout=60, trust_env=False, follow_redirects=False
        )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Gateway

    def _serve(self) -> None:
        path = self.path.removeprefix(PREFIX)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if path == "/mails":
            answer = httpx.Response(200, json=[asdict(mail_of(one)) for one in self.server.mails.deliveries])
        elif path.startswith("/templates/"):
            answer = httpx.Response(200, html=TEMPLATE.format(kind=path.rpartition("/")[2]))
        elif not path.startswith(OPEN) and self.headers.get("apikey") not in self.server.keys.values():
            answer = httpx.Response(401, json={"message": "Invalid API key"})
        else:
            headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP_BY_HOP}
            answer = self.server.service.request(self.command, path, headers=headers, content=body)
        self.send_response(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: object) -> None:
        """Keep the tests' output free of each request."""


def main(arguments: list[str]) -> None:
    if arguments[:1] == ["settings"] and len(arguments) == 2:
        for name, value in settings(arguments[1]).items():
            print(f"{name}='{value}'")
        return
    gateway = Gateway()
    threading.Thread(target=gateway.mails.serve_forever, daemon=True).start()
    print(f"export SUPABASE_TEST_URL={URL}")
    print(f"export SUPABASE_TEST_ANON_KEY={gateway.keys['anon']}")
    print(f"export SUPABASE_TEST_SERVICE_KEY={gateway.keys['service_role']}", flush=True)
    gateway.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from . import admin, factors, identities, oauth, public, rest, sessions, sign_up, user, verify
from .call import Call, Reply, routes
from .errors import API_VERSION_HEADER, Refused
from .keys import Keys
from .limits import RequestLimits
from .sessions import Hook
from .state import Account, Mail, State

__all__ = [
    "SupabaseAuth",
    "admin",
    "factors",
    "identities",
    "oauth",
    "public",
    "rest",
    "sessions",
    "sign_up",
    "user",
    "verify",
]

PREFIX = "/auth/v1"
# The gateway lets these through without a key: browsers follow links and redirects there.
OPEN = ("/verify", "/callback", "/authorize", "/provider/", "/.well-known/")


class SupabaseAuth:
    """Serve one project's Auth on a port of this machine, until `stop()`; attributes are its settings."""

    anon_key = "anon.eyJyb2xlIjoiYW5vbiJ9.standin"
    publishable_key = "sb_publishable_standin_0123456789"
    secret_key = "sb_secret_standin_0123456789"

    def __init__(self) -> None:
        self.keys, self.state = Keys(), State()
        self.autoconfirm = self.sign_up_disabled = False
        self.needs_current_password = self.needs_reauthentication = False
        self.secure_email_change, self.min_password = True, 6
        self.access_life, self.otp_life, self.reuse_interval = 3600, 3600, 10
        # The real one asks for no reauthentication in the first day of a session.
        self.fresh_session_life = 0
        # The real one pauses for a minute between mails to one person, and sends 30 per hour.
        self.mail_pause = 0
        self.mails_left: int | None = None
        self.mail_server_away = False
        self.authorized_addresses: list[str] | None = None
        # Limits of sessions, in seconds; 0: none.
        self.timebox = self.inactivity_timeout = 0
        self.single_session = False
        self.refresh_token_version = 1
        self.token_hook: Hook | None = None
        self.sign_up_hook: Hook | None = None
        self.providers = ["github", "google"]
        self.provider_answer: dict[str, str] = {"email": "octo@example.com", "code": "from-the-provider"}
        self.site_url = "http://testserver"
        self.redirect_prefixes = ["http://testserver/", "http://localhost", "http://127.0.0.1"]
        # Who else than people with an address may sign in, and what a sign-in must carry.
        self.anonymous_users = self.phone_users = self.demands_captcha = False
        self.email_users = True
        # Whether people may link providers by themselves.
        self.manual_linking = True
        self.exposed_schemas = ["public", "graphql_public"]
        self.requests: Counter[str] = Counter()
        self.rotations = self.jwks_reads = 0
        # Modes: answer 503, hold requests until the event is set, refuse a path as too frequent.
        self.is_down = False
        self.hold: threading.Event | None = None
        # Released by each request that is held.
        self.arrivals = threading.Semaphore(0)
        self.limited: dict[str, dict[str, str]] = {}
        # The service's own limits, and whether holders of a secret key may name another address for them.
        self.limits: RequestLimits | None = None
        self.believes_forwarded = False
        # What is answered on a path in place of the service's own work.
        self.replies: dict[str, Reply] = {}
        self._one_at_a_time = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.service = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    def start(self) -> SupabaseAuth:
        self._thread.start()
        return self

    def stop(self) -> None:
        """Free the port; idempotent, so that a test can pull the plug itself."""
        if self._thread.is_alive():
            if self.hold is not None:
                self.hold.set()
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def auth_url(self) -> str:
        return self.url + PREFIX

    @property
    def issuer(self) -> str:
        return self.auth_url

    def account(self, email: str, password: str | None = None, **values: Any) -> Account:
        """Make a confirmed account."""
        metadata = values.pop("user_metadata", {"email_verified": True})
        account = Account(
            email,
            password,
            confirmed_at=1_700_000_000.0,
            providers=["email"],
            user_metadata=metadata,
            **values,
        )
        self.state.accounts[account.id] = account
        return account

    def delete(self, account: Account) -> None:
        """Delete an account, as an administrator does."""
        self.state.end_sessions(account)
        del self.state.accounts[account.id]

    def mail_to(self, email: str) -> Mail:
        """Return the newest mail to an address."""
        return next(mail for mail in reversed(self.state.inbox) if mail.to == email)

    def answer(self, call: Call) -> Reply:
        """Answer one request; requests take turns, as the real one's rows are locked."""
        self.requests[f"{call.method} {call.path}"] += 1
        if self.hold is not None:
            self.arrivals.release()
            self.hold.wait(120)
        if self.is_down:
            return Reply({"message": "no healthy upstream"}, 503)
        self._check_key(call)
        if call.path in self.limited:
            refusal = Refused(429, "over_request_rate_limit", "Request rate limit reached")
            status, body, headers = refusal.answer(call.headers.get(API_VERSION_HEADER.lower(), ""))
            return Reply(body, status, headers | self.limited[call.path])
        if self.limits and not self.limits.take(f"{call.method} {call.path}", self._address(call)):
            raise Refused(429, "over_request_rate_limit", "Request rate limit reached")
        if self.demands_captcha and call.method == "POST" and self._is_protected(call):
            message = "captcha protection: request disallowed (no captcha_token found)"
            raise Refused(400, "captcha_failed", message)
        if call.path in self.replies:
            return self.replies[call.path]
        found = routes.find(call.method, call.path)
        if found is None:
            allowed = routes.methods(call.path)
            if allowed:
                return Reply(status=405, headers={"Allow": allowed})
            return Reply("404 page not found\n", 404, content_type="text/plain; charset=utf-8")
        endpoint, call.parts = found
        with self._one_at_a_time:
            return endpoint(call)

    @staticmethod
    def _is_protected(call: Call) -> bool:
        return call.path in ("/signup", "/recover", "/otp") or call.query.get("grant_type") == "password"

    def _address(self, call: Call) -> str:
        if self.believes_forwarded and call.headers.get("apikey") == self.secret_key:
            return call.headers.get("sb-forwarded-for", "").partition(",")[0].strip()
        return ""

    def _check_key(self, call: Call) -> None:
        if call.path.startswith(OPEN) and call.method == "GET":
            return
        key = call.headers.get("apikey") or call.query.get("apikey")
        if not key:
            raise _Gateway(
                "No API key found in request", "No `apikey` request header or url param was found."
            )
        if key not in (self.anon_key, self.publishable_key, self.secret_key):
            raise _Gateway("Invalid API key", "Double check your Supabase `anon` or `service_role` API key.")


class _Gateway(Refused):
    """What the gateway in front of the service refuses, in its own form."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(401, "", message)
        self.hint = hint

    def answer(self, version: str) -> tuple[int, dict[str, Any], dict[str, str]]:
        return 401, {"message": self.message, "hint": self.hint}, {"WWW-Authenticate": 'Key realm="kong"'}


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    service: SupabaseAuth

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Let a client hang up: that is what a time limit does."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def _serve(self) -> None:
        url = urlsplit(self.path)
        headers = {name.lower(): value for name, value in self.headers.items()}
        raw = self.rfile.read(int(headers.get("content-length", 0)))
        path = url.path.removeprefix(PREFIX) if url.path.startswith((PREFIX, rest.PREFIX)) else ""
        try:
            body = json.loads(raw) if raw else {}
            if not isinstance(body, dict):
                raise ValueError("not an object")
            call = Call(self.server.service, self.command, path, dict(parse_qsl(url.query)), headers, body)
            reply = self.server.service.answer(call)
        except Refused as error:
            reply = self._refusal(error, headers)
        except ValueError as error:
            message = f"Could not parse request body as JSON: {error}"
            reply = self._refusal(Refused(400, "bad_json", message), headers)
        self._send(reply)

    def _refusal(self, error: Refused, headers: dict[str, str]) -> Reply:
        status, body, extra = error.answer(headers.get(API_VERSION_HEADER.lower(), ""))
        return Reply(body, status, extra)

    def _send(self, reply: Reply) -> None:
        text = reply.body if not reply.content_type.endswith("json") else json.dumps(reply.body)
        payload = b"" if reply.body is None else text.encode()
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if payload:
            self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(len(payload)))
        self.end_headers()
        self.wfile.write(payload)

    do_GET = do_POST = do_PUT = do_DELETE = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the tests' output free of each request."""

"""HTTP requests to URLs that users may have chosen: guarded against SSRF, limited, never redirected.

A host name is resolved once, and the connection goes to the address that was checked, so DNS rebinding can't
reach the internal network. Addresses that are not public are refused unless the operator allowed the host
(AGENTFORGE_ALLOWED_HOSTS) or set the URL (LOCAL_MODEL_URL and the like).
"""

from __future__ import annotations

import functools
import ipaddress
import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx
from django.conf import settings

from . import found_servers
from .public_addresses import is_public
from .telemetry.outbound_calls import outbound_call
from .tenancy.request_transaction import outside_transaction

SECONDS = 8.0
MAX_BYTES = 2 * 1024 * 1024
DEFAULT_PORTS = {"http": 80, "https": 443}


class OutboundError(Exception):
    """A request was not made or not answered; the message is for the user."""


class RefusedURL(OutboundError):
    """The URL or its address is not allowed."""


class Unreachable(OutboundError):
    """There was no usable response in time."""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes


def fetch(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | Iterator[bytes] = b"",
    seconds: float = SECONDS,
    max_bytes: int = MAX_BYTES,
) -> Reply:
    """Return the reply to one request, whatever its status; a redirect is returned, not followed.

    Content in parts needs a Content-Length header. No database connection is held meanwhile: see
    `outside_transaction`.

    Raises RefusedURL for a URL that is not allowed, and Unreachable if no complete reply of at most
    `max_bytes` arrives within `seconds`, from the first look-up to the last byte.
    """
    target = checked_url(url)
    with outbound_call(method, target.host) as call:
        reply = _fetch(method, target, headers or {}, content, seconds, max_bytes)
        call.outcome = str(reply.status)
    return reply


def _fetch(
    method: str,
    target: httpx.URL,
    headers: Mapping[str, str],
    content: bytes | Iterator[bytes],
    seconds: float,
    max_bytes: int,
) -> Reply:
    deadline = time.monotonic() + seconds
    all_headers: dict[bytes | str, bytes | str] = {
        "Host": target.netloc.decode("ascii"),
        "Accept-Encoding": "identity",
    }
    all_headers.update(headers)
    if content and isinstance(content, bytes):
        all_headers["Content-Length"] = str(len(content))
    with (
        outside_transaction(),
        httpcore.ConnectionPool(
            ssl_context=tls_context(),
            max_connections=1,
            network_backend=_GuardedBackend(deadline),
        ) as pool,
    ):
        try:
            with pool.stream(
                method,
                httpcore.URL(
                    scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path
                ),
                headers=all_headers,
                content=content,
            ) as response:
                return Reply(
                    status=response.status,
                    headers={k.decode("latin-1").lower(): v.decode("latin-1") for k, v in response.headers},
                    body=_limited(response.iter_stream(), max_bytes),
                )
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError) as error:
            raise Unreachable(reason(error, target.host, seconds)) from error


@functools.cache
def tls_context() -> ssl.SSLContext:
    """Return what trusts the certificate authorities of this machine."""
    # Loading the certificate authorities takes 40 ms of CPU: once per process, not per request.
    return ssl.create_default_context()


def checked_url(url: str) -> httpx.URL:
    """Return a parsed http or https URL that has a host and no credentials.

    Raises RefusedURL for any other.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError, ValueError) as error:
        raise RefusedURL("This is not a URL.") from error
    if parsed.scheme not in DEFAULT_PORTS:
        raise RefusedURL("Only http:// and https:// URLs can be used.")
    if not parsed.host or "%" in parsed.host or not 0 < (parsed.port or 1) < 65536:
        raise RefusedURL("The URL has no host that can be reached.")
    if parsed.userinfo:
        raise RefusedURL("The URL contains a user name or password: remove it.")
    return parsed


def resolve(host: str, port: int, *, for_tool: bool = False) -> list[str]:
    """Return the allowed addresses of a host, in the resolver's order.

    For a tool, whose hosts a tenant lists, the servers that the operator's URLs name are as private as any.

    Raises RefusedURL if one of them is not public and the operator did not allow the host, and Unreachable if
    the name has no address. A proxy must connect to the addresses that this returns.
    """
    try:
        entries = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"The host {host} was not found.") from error
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in entries))
    if not all(map(is_public, addresses)) and not _is_exempt(host, port, for_tool=for_tool):
        raise RefusedURL(
            f"The host {host} has a private address. An operator can allow it in AGENTFORGE_ALLOWED_HOSTS."
        )
    return addresses


def _is_exempt(host: str, port: int, *, for_tool: bool) -> bool:
    if for_tool:
        return _is_listed(host, port)
    if not is_allowed(host, port):
        # A worker answers for an agent whose model server only another program has found yet.
        found_servers.look()
    return is_allowed(host, port)


def is_allowed(host: str, port: int) -> bool:
    """Return whether the operator allowed a host even if its address is private."""
    name = _plain(host)
    return not _allowed().isdisjoint({(name, None), (name, port)})


def _is_listed(host: str, port: int) -> bool:
    """Return whether AGENTFORGE_ALLOWED_HOSTS has a host."""
    listed = {_host_and_port(entry) for entry in settings.AGENTFORGE_ALLOWED_HOSTS}
    name = _plain(host)
    return not listed.isdisjoint({(name, None), (name, port)})


def _allowed() -> set[tuple[str, int | None]]:
    """Return the allowed hosts, each with its only port or None."""
    operators = (
        settings.LOCAL_MODEL_URL,
        settings.AGENTFORGE_OPENAI_URL,
        settings.AGENTFORGE_ANTHROPIC_URL,
        *settings.AGENTFORGE_PROVIDER_URLS.values(),
        settings.AGENTFORGE_NETLIFY_URL,
        settings.AGENTFORGE_FORGE_URL,
        *(server.url for server in found_servers.found()),
        *(builder.get("url", "") for builder in settings.AGENTFORGE_BUILDERS),
    )
    allowed = {_host_and_port(entry) for entry in settings.AGENTFORGE_ALLOWED_HOSTS}
    for url in filter(None, operators):
        parsed = httpx.URL(url)
        allowed.add((_plain(parsed.host), parsed.port or DEFAULT_PORTS.get(parsed.scheme, 0)))
    return allowed


def _host_and_port(entry: str) -> tuple[str, int | None]:
    """Split `host`, `host:port`, `::1`, `[::1]` or `[::1]:port`."""
    text = entry.strip()
    host, colon, port = text.rpartition(":")
    if colon and port.isdecimal() and (":" not in host or host.endswith("]")):
        return _plain(host), int(port)
    return _plain(text), None


def _plain(host: str) -> str:
    """Return a host in lower case, without brackets or a final dot, and an address in its usual form."""
    name = host.strip().lower().rstrip(".").strip("[]")
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


def _limited(stream: Iterable[bytes], max_bytes: int) -> bytes:
    body = bytearray()
    for part in stream:
        body += part
        if len(body) > max_bytes:
            raise Unreachable(f"The response was longer than {max_bytes // 1024} KB and was dropped.")
    return bytes(body)


def reason(error: Exception, host: str, seconds: float) -> str:
    """Return why a host did not answer, for the user."""
    if isinstance(error, (httpcore.TimeoutException, TimeoutError)):
        return f"{host} did not answer within {seconds:g} seconds."
    if isinstance(error, httpcore.ProtocolError):
        return f"{host} did not answer in HTTP."
    if "certificate" in str(error).lower():
        return f"{host} could not prove its identity (TLS certificate)."
    return f"{host} could not be reached."


class _GuardedBackend(httpcore.NetworkBackend):
    """Connects to checked addresses only, with one deadline for all operations."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failure: Exception = httpcore.ConnectError(host)
        for address in self._resolve(host, port):
            try:
                stream = self._sockets.connect_tcp(address, port, timeout=_left(self._deadline))
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _DeadlineStream(stream, self._deadline)
        raise failure

    def _resolve(self, host: str, port: int) -> list[str]:
        # The system's resolver can't be interrupted, so it runs in its own thread.
        result: queue.Queue[list[str] | OutboundError] = queue.Queue(1)

        def look_up() -> None:
            try:
                result.put(resolve(host, port))
            except OutboundError as error:
                result.put(error)

        threading.Thread(target=look_up, name="outbound-resolver", daemon=True).start()
        try:
            addresses = result.get(timeout=_left(self._deadline))
        except queue.Empty as error:
            raise httpcore.ConnectTimeout(host) from error
        if isinstance(addresses, OutboundError):
            raise addresses
        return addresses


class _DeadlineStream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream, deadline: float) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, timeout=_left(self._deadline))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, timeout=_left(self._deadline))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        secured = self._stream.start_tls(ssl_context, server_hostname, timeout=_left(self._deadline))
        return _DeadlineStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout("the time for this request is over")
    return left

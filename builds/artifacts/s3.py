"""Artifacts in S3 or a compatible service, through django-storages; each call leaves a line in the log."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest
from storages.backends.s3 import S3Storage

from agentforge.telemetry.outbound_calls import OutboundCall, outbound_call


class LoggedS3Storage(S3Storage):
    """An S3Storage whose calls are logged, each attempt by itself."""

    def _create_session(self) -> Any:
        session = super()._create_session()
        calls = _Calls()
        session.events.register("before-send.s3", calls.begin)
        session.events.register("response-received.s3", calls.end)
        return session


class _Calls(threading.local):
    """The call under way in each thread: botocore sends and receives an attempt in the same one."""

    call: OutboundCall
    log: ExitStack | None = None

    def begin(self, request: AWSPreparedRequest, **_: Any) -> None:
        self.log = ExitStack()
        host = urlsplit(request.url).hostname or ""
        self.call = self.log.enter_context(outbound_call(str(request.method), host))

    def end(self, response_dict: dict[str, Any] | None, exception: Exception | None = None, **_: Any) -> None:
        log, self.log = self.log, None
        if log is None:
            return
        self.call.outcome = str(response_dict["status_code"]) if response_dict else type(exception).__name__
        log.close()

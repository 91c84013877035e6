"""Run nginx with TLS and HTTP/2 in front of a web process, as most forges are reached."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Self

from .log_lines import LogLines
from .ports import free_port

# Debian keeps it where only root's PATH leads.
PROGRAM = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
_CONFIGURATION = """\
daemon off; pid {directory}/pid; error_log stderr notice; worker_processes 1;
events {{ worker_connections 1024; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body; proxy_temp_path {directory}/proxy;
  fastcgi_temp_path {directory}/fastcgi; uwsgi_temp_path {directory}/uwsgi; scgi_temp_path {directory}/scgi;
  server {{
    listen 127.0.0.1:{port} ssl http2; keepalive_requests 100000;
    ssl_certificate {directory}/certificate; ssl_certificate_key {directory}/key;
    location / {{
      proxy_pass http://127.0.0.1:{target};
      proxy_http_version 1.1; proxy_buffering off; proxy_read_timeout 1h;
      proxy_set_header Host $http_host; proxy_set_header Connection "";
    }}
  }}
}}
"""


class Http2Proxy:
    """One nginx; `url` leads through it to the web process on a port of this machine."""

    def __init__(self, target: int) -> None:
        self.port, self._target = free_port(), target
        self.url = f"https://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        assert PROGRAM is not None
        self._directory = Path(tempfile.mkdtemp(prefix="agentforge-nginx-"))
        key, certificate = self._directory / "key", self._directory / "certificate"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
                *("-nodes", "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"),
                *("-keyout", key, "-out", certificate),
            ],
            check=True,
            capture_output=True,
        )
        configuration = self._directory / "nginx.conf"
        values = {"directory": self._directory, "port": self.port, "target": self._target}
        configuration.write_text(_CONFIGURATION.format(**values))
        command = [PROGRAM, "-p", str(self._directory), "-c", str(configuration)]
        self._process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
        self._log = LogLines(self._process.stderr)
        self._wait()
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.terminate()
        self._process.wait(60)
        self._log.close()
        shutil.rmtree(self._directory)

    def _wait(self) -> None:
        """Wait until it says that it serves: it listens by then."""
        said = []
        for line in self._log:
            said.append(line)
            if "start worker process " in line:
                return
        raise AssertionError(f"nginx did not start: {''.join(said)}")

"""The log of a real web process: one line for each request, in text and in JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.drivers.web_process import WebProcess

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = "WyJhbGljZSIsMTIzNDU2Nzg5XQ:1vPl4n:Td3dQ2k9cUo0Z8fYtB7y"
SECRET = "metrics-password-hunter2-hunter2"


@pytest.fixture(params=["text", "json"])
def web(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[WebProcess]:
    process = WebProcess(LOG_FORMAT=request.param, METRICS_TOKEN=SECRET)
    process.log = tmp_path / f"{request.param}.log"
    with process:
        yield process


def _log(web: WebProcess, tmp_path: Path) -> list[str]:
    """Stop the process, and return the lines of its log."""
    assert web.stop() == 0
    (log,) = tmp_path.glob("*.log")
    return log.read_text().splitlines()


def test_each_request_is_one_line_with_its_id(web: WebProcess, tmp_path: Path) -> None:
    with httpx.Client(base_url=web.url) as client:
        assert client.get("/sign-in/", headers={"X-Request-ID": "page-1"}).status_code == 200
        live = client.get("/live/?channel=build-1", headers={"X-Request-ID": "live-1"})
        assert (live.status_code, live.headers["X-Request-ID"]) == (401, "live-1")
        client.get(f"/accounts/reset/{TOKEN}/?code={TOKEN}", headers={"X-Request-ID": "mailed-1"})
        client.get("/no%0AERROR%20forged/", headers={"X-Request-ID": "forged-1"})
        client.get("/metrics", auth=("prometheus", SECRET), headers={"X-Request-ID": SECRET})
        client.get("/sign-in/", headers={"Host": "attacker.example", "X-Request-ID": "host-1"})
    lines = _log(web, tmp_path)
    text = "\n".join(lines)
    for request_id in ("page-1", "live-1", "mailed-1", "forged-1"):
        assert sum(request_id in line and "agentforge.access" in line for line in lines) == 1, text
    assert TOKEN not in text and TOKEN.split(":")[0] not in text
    assert SECRET not in text
    assert not any(line.startswith("ERROR forged") for line in lines)
    assert "Traceback" not in text
    if (tmp_path / "json.log").exists():
        _check_json([json.loads(line) for line in lines])


def _check_json(lines: list[dict[str, Any]]) -> None:
    page = next(line for line in lines if line.get("request_id") == "page-1")
    assert page["logger"] == "agentforge.access"
    assert (page["level"], page["process"], page["status"]) == ("info", "web", 200)
    assert page["message"] == "GET /sign-in/ 200"
    assert page["route"] == "sign-in/" and page["ms"] > 0 and page["address"] == "127.0.0.1"
    assert page["time"].startswith("20") and page["host"] and page["pid"]


def test_probes_leave_a_line_only_if_they_fail(tmp_path: Path) -> None:
    web = WebProcess(METRICS_TOKEN=SECRET)
    web.log = tmp_path / "probes.log"
    with web:
        for path in ("livez", "healthz", "readyz", "metrics"):
            answer = httpx.get(f"{web.url}/{path}", auth=("prometheus", SECRET))
            assert answer.status_code == 200
        assert httpx.get(f"{web.url}/readyz/workers").status_code == 503
        assert httpx.get(f"{web.url}/metrics").status_code == 401
        lines = [line for line in _log(web, tmp_path) if "agentforge.access" in line]
    assert [line.partition(" [")[0] for line in lines] == [
        "INFO agentforge.access: GET /readyz/workers 503",
        "INFO agentforge.access: GET /metrics 401",
    ]


def test_the_access_log_can_be_turned_off(tmp_path: Path) -> None:
    web = WebProcess(ACCESS_LOG="0")
    web.log = tmp_path / "quiet.log"
    with web:
        assert httpx.get(f"{web.url}/sign-in/").status_code == 200
        assert "agentforge.access" not in "\n".join(_log(web, tmp_path))

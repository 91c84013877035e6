"""One process alone, as a unit or a container runs it: an empty shell, and the settings."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
from django.conf import settings

from tests.drivers.forge import ROOT
from tests.drivers.web_process import environment

PROGRAM = [sys.executable, "-m", "agentforge.launch.program"]


def _bare(tmp_path: Path, **more: str) -> dict[str, str]:
    given = environment()
    kept = {name: given[name] for name in ("DATABASE_URL",)}
    return {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "AGENTFORGE_VAR": str(tmp_path), **kept, **more}


@pytest.mark.django_db(transaction=True)
def test_the_web_process_runs_by_itself(tmp_path: Path) -> None:
    with subprocess.Popen(
        [*PROGRAM, "web"],
        cwd=ROOT,
        env=_bare(tmp_path, PORT="0", DATABASE_SCHEMA=settings.DATABASE_SCHEMA),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening on 127.0.0.1, port "), line
        assert httpx.get(f"http://127.0.0.1:{line.split()[-1]}/healthz").text == "ok\n"
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0


@pytest.mark.django_db(transaction=True)
def test_whatever_it_prints_is_a_json_record(tmp_path: Path) -> None:
    own = {"DATABASE_SCHEMA": settings.DATABASE_SCHEMA, "LOG_FORMAT": "json"}
    with subprocess.Popen(
        [*PROGRAM, "web"],
        cwd=ROOT,
        env=_bare(tmp_path, PORT="0", **own),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert (first["level"], first["process"]) == ("info", "web")
        port = first["message"].removeprefix("Listening on 127.0.0.1, port ")
        second = subprocess.run(
            [*PROGRAM, "web"], cwd=ROOT, env=_bare(tmp_path, PORT=port, **own), capture_output=True, text=True
        )
        assert httpx.get(f"http://127.0.0.1:{port}/sign-in/").status_code == 200
        process.terminate()
        left = [json.loads(line) for line in process.stdout.read().splitlines()]
    said = [json.loads(line) for line in (second.stdout + second.stderr).splitlines()]
    assert (second.returncode, said[-1]["level"]) == (1, "error")
    assert "Address already in use" in said[-1]["message"]
    assert [(line["level"], line["message"]) for line in left if line["logger"] == "agentforge.access"] == [
        ("info", "GET /sign-in/ 200")
    ]


@pytest.mark.parametrize(
    ("arguments", "setting", "code", "words"),
    [
        ([], {}, 2, "Name one process: web, worker"),
        (["nobody"], {}, 2, "Name one process: web, worker"),
        (["web"], {"PORT": "many"}, 1, "PORT"),
        (["web"], {"LOG_FORMAT": "xml"}, 1, "LOG_FORMAT is 'xml'. Choose text or json."),
    ],
)
@pytest.mark.django_db
def test_what_an_operator_can_mend_is_a_sentence(
    tmp_path: Path, arguments: list[str], setting: dict[str, str], code: int, words: str
) -> None:
    done = subprocess.run(
        [*PROGRAM, *arguments],
        cwd=ROOT,
        env=_bare(tmp_path, **setting),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code
    assert words in done.stderr and "Traceback" not in done.stderr

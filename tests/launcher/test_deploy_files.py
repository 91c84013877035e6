"""The files that start a forge elsewhere: units, proxy, image, environment; each tool judges its own."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
import yaml
from dockerfile_parse import DockerfileParser
from honcho.environ import parse_procfile

from tests.drivers.absence import absent
from tests.drivers.forge import ROOT

DEPLOY = ROOT / "deploy"
PROCESSES = set(parse_procfile((ROOT / "Procfile").read_text()).processes)
EXAMPLE = (DEPLOY / "agentforge.env.example").read_text()
ROTATE = shutil.which("logrotate", path="/usr/sbin:/usr/bin")
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
GUIDE = (ROOT / "docs" / "operations" / "install.md").read_text()


def _example() -> dict[str, str]:
    return dict(re.findall(r"^([A-Z_]+)=(.*)$", EXAMPLE, re.MULTILINE))


def _judged(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_units_start_what_the_procfile_has(tmp_path: Path) -> None:
    for unit in (DEPLOY / "systemd").glob("*.service"):
        text = unit.read_text()
        assert "User=forge" in text and "NoNewPrivileges=yes" in text
        # As if this checkout were the installed one, which a verifier wants to find.
        (tmp_path / unit.name).write_text(text.replace("/opt/agentforge", str(ROOT)))
    assert set(re.findall(r"agentforge@(\w+)", GUIDE)) == PROCESSES - {"model"}
    assert "Restart=always" in (DEPLOY / "systemd" / "agentforge@.service").read_text()
    shutil.copy(DEPLOY / "systemd" / "agentforge-backup.timer", tmp_path)
    if verifier := shutil.which("systemd-analyze"):
        (tmp_path / "agentforge@.service").rename(tmp_path / "agentforge@web.service")
        units = [str(path) for path in sorted(tmp_path.iterdir())]
        done = subprocess.run(
            [verifier, "verify", "--man=no", *units], capture_output=True, text=True, check=False
        )
        said = [line for line in done.stderr.splitlines() if "agentforge" in line]
        assert (done.returncode, said) == (0, [])


def test_the_example_environment_passes_the_deployment_check(tmp_path: Path) -> None:
    documented = set(
        re.findall(r"^\| `([A-Z_0-9]+)` \|", (ROOT / "docs" / "settings.md").read_text(), re.MULTILINE)
    )
    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE, re.MULTILINE))
    assert named - documented == set()
    given = {**_example(), "SECRET_KEY": "Bq8-4vWz_0rJt6yLk2Nf9xSd3HgPm7Uc5Ea1Ti-Ro_QnXbVwYjKsZhMf"}
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AGENTFORGE_VAR": str(tmp_path), **given},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_nginx_takes_the_block(tmp_path: Path) -> None:
    block = (DEPLOY / "nginx" / "agentforge.conf").read_text()
    live = block[block.index("location /live/") :].split("}")[0]
    assert "proxy_buffering off" in live
    for header in ("Host $host", "X-Forwarded-For", "X-Forwarded-Proto", "X-Request-ID $request_id"):
        assert f"proxy_set_header {header}" in block
    if NGINX is None:
        absent("needs nginx: apt-get install nginx")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=forge"]
    made = _judged(*request, "-keyout", str(key), "-out", str(certificate))
    assert made.returncode == 0, made.stderr
    block = re.sub(r"(ssl_certificate_key) [^;]+", rf"\1 {key}", block)
    block = re.sub(r"(ssl_certificate) [^;]+", rf"\1 {certificate}", block)
    whole = tmp_path / "nginx.conf"
    whole.write_text(
        f"pid {tmp_path}/pid;\nerror_log stderr;\nevents {{}}\nhttp {{ access_log off;\n{block}}}\n"
    )
    done = subprocess.run([NGINX, "-t", "-c", str(whole)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _compose() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((DEPLOY / "docker" / "compose.yml").read_text())
    return document


def test_the_image_is_small_and_has_no_root(tmp_path: Path) -> None:
    shutil.copy(DEPLOY / "docker" / "Dockerfile", tmp_path / "Dockerfile")
    steps = DockerfileParser(str(tmp_path)).structure
    stages = [step["value"] for step in steps if step["instruction"] == "FROM"]
    assert len(stages) == 2
    assert all(re.fullmatch(r"[a-z]+:\d[\w.-]+( AS build)?", stage) for stage in stages)
    last = {step["instruction"]: step["value"] for step in steps}
    assert last["USER"] == "10001:10001"
    assert last["CMD"] == '["web"]'
    for step in steps:
        if step["instruction"] == "COPY" and not step["value"].startswith("--from"):
            assert all((ROOT / name).exists() for name in step["value"].split()[:-1])
        if "apt-get install" in step["value"]:
            assert "--no-install-recommends" in step["value"] and "rm -rf /var/lib/apt/lists" in step["value"]


def test_no_settings_of_an_operator_get_into_the_image_or_the_history() -> None:
    (name,) = set(re.findall(r"--env-file (\S+)", GUIDE))
    assert _compose()["x-forge"]["env_file"] == [{"path": f"../../{name}"}]
    ignored = (DEPLOY / "docker" / "Dockerfile.dockerignore").read_text().split()
    assert any(fnmatch(name, pattern) for pattern in ignored)
    assert _judged("git", "-C", str(ROOT), "check-ignore", name).returncode == 0


def test_the_services_are_closed_and_complete() -> None:
    services = _compose()["services"]
    ours = {name: service for name, service in services.items() if name != "database"}
    assert set(ours) == (PROCESSES - {"model"}) | {"migrate"}
    for name, service in ours.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert "no-new-privileges:true" in service["security_opt"]
        # Else every process had the superuser's, which only the database needs.
        assert service["environment"]["POSTGRES_PASSWORD"] == "", name
        assert service["command"] == ["prepare" if name == "migrate" else name]
    for name in ("worker", "replies"):
        assert "seccomp=unconfined" in services[name]["security_opt"], "the sandbox makes namespaces"


def test_the_database_is_made_as_the_guide_says() -> None:
    script = (DEPLOY / "docker" / "database.sh").read_text()
    page = (ROOT / "docs" / "operations" / "database.md").read_text()
    block = re.findall(r"```sql\n(.*?)```", page, re.DOTALL)[0]
    told = block.strip().replace("'choose-one'", ":'password'")
    assert script.split("<<'SQL'\n")[1].split("\nSQL")[0] == told
    assert _judged("/bin/sh", "-n", str(DEPLOY / "docker" / "database.sh")).returncode == 0


def test_the_image_follows_the_rules_of_its_linter() -> None:
    if linter := shutil.which("hadolint"):
        done = _judged(linter, "--no-color", str(DEPLOY / "docker" / "Dockerfile"))
        assert done.returncode == 0, done.stdout


def test_a_process_goes_on_in_the_file_that_was_rotated(tmp_path: Path) -> None:
    """No line is lost or twice there."""
    if ROTATE is None:
        absent("needs logrotate: apt-get install logrotate")
    log, rules = tmp_path / "forge.log", tmp_path / "rules"
    text = (DEPLOY / "logrotate" / "agentforge").read_text().replace("/var/log/agentforge/", f"{tmp_path}/")
    rules.write_text(text)
    with log.open("a") as output:
        for number in range(4):
            # Each into the file that was opened first, as the forge's processes do.
            subprocess.run(["/bin/echo", f"line {number}"], stdout=output, check=True)
            if number < 3:
                _rotated(rules, tmp_path / "state")
                assert log.read_bytes() == b""
    kept = {path.name: _unpacked(path) for path in tmp_path.glob("forge.log*")}
    # The newest of them isn't packed yet.
    assert kept == {
        "forge.log": "line 3\n",
        "forge.log.1": "line 2\n",
        "forge.log.2.gz": "line 1\n",
        "forge.log.3.gz": "line 0\n",
    }


def _rotated(rules: Path, state: Path) -> None:
    assert ROTATE
    rules.chmod(0o644)
    done = _judged(ROTATE, "--force", "--state", str(state), str(rules))
    assert (done.returncode, done.stderr) == (0, "")


def _unpacked(path: Path) -> str:
    return (gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()).decode()


@pytest.mark.parametrize("name", sorted(PROCESSES))
def test_a_line_of_the_procfile_finds_its_python(name: str) -> None:
    line = parse_procfile((ROOT / "Procfile").read_text()).processes[name]
    python = line.split()[0]
    assert (ROOT / python).exists(), "a line runs alone in the checkout, without an activated environment"


def test_a_trial_executes_each_page_of_commands() -> None:
    trials = "".join(path.read_text() for path in (ROOT / "tests" / "production").glob("*.py"))
    pages = [path for path in (ROOT / "docs" / "operations").glob("*.md") if "```sh" in path.read_text()]
    assert pages
    assert [path.name for path in pages if f'page("{path.stem}")' not in trials] == []

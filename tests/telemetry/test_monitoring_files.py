"""The alert rules, the dashboard and the documented queries name metrics that /metrics has."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.test import Client

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "deploy" / "prometheus" / "agentforge.rules.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "agentforge.json"
GUIDE = ROOT / "docs" / "operations" / "monitoring.md"
_SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def _rules() -> Iterator[dict[str, Any]]:
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        yield from group["rules"]


def _queries() -> Iterator[str]:
    yield from (rule["expr"] for rule in _rules())
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    yield from re.findall(r"`((?:1 - )?sum\([^`]+)`", GUIDE.read_text())


@pytest.mark.django_db
def test_every_query_names_metrics_that_exist(client: Client) -> None:
    exposition = client.get("/metrics").content.decode()
    kinds = re.findall(r"^# TYPE (\w+) (\w+)$", exposition, re.MULTILINE)
    known = {f"{name}{suffix}" for name, kind in kinds for suffix in _SUFFIXES[kind]}
    recorded = {rule["record"] for rule in _rules() if "record" in rule}
    used = {name for query in _queries() for name in re.findall(r"\bagentforge[:\w]+", query)}
    assert len(used) > 20
    assert used - known - recorded - {"agentforge"} == set()


def test_alerts_say_what_to_do_and_the_guide_has_three_objectives() -> None:
    text = GUIDE.read_text()
    for rule in _rules():
        assert rule.get("record", rule.get("alert"))
        if "alert" in rule:
            assert rule["labels"]["severity"] in ("page", "ticket")
            assert rule["annotations"]["summary"] and rule["annotations"]["action"]
    assert len(re.findall(r"^\| \d\d[.\d]* %", text, re.MULTILINE)) == 3


def test_prometheus_accepts_the_files() -> None:
    for expression in _queries():
        assert expression.count("(") == expression.count(")") > 0 or "(" not in expression
    # Prometheus' own word, where it is installed.
    if promtool := shutil.which("promtool"):
        place = RULES.with_name("prometheus.yml")
        for words in (["rules", str(RULES)], ["config", "--syntax-only", str(place)]):
            command = [promtool, "check", *words]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout + done.stderr
